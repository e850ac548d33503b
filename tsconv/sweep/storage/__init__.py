"""Where a study is stored, so that several workers can share it."""
