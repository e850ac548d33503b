"""One training step: its loss, and the choice of its precision and compilation."""
