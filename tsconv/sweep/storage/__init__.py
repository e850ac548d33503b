"""Where a study lives, so that several workers can share it."""
