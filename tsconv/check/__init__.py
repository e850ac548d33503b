"""A doctor for files: what training would meet in one, and the `tsconv train` line that fits it."""
