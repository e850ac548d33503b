"""The check of a file: what training would meet in it, and the `tsconv train` command for it."""
