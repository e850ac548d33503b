"""From a file to batches: read, infer the frequency, build the ragged panel, draw dense chunks."""
