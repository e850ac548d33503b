"""Checkpoints: the state of a training on disk, whole or not used, and how it goes on from it."""
