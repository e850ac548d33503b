"""Dense batches: which stretches of the panel are trained on together."""
