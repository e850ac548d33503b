"""Run folders: who has one, what became of the run in it, and lists of them."""
