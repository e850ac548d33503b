"""Everything of a training that Lightning runs: module, callbacks, checkpoints, the loop."""
