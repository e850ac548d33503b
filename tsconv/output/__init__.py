"""What a run leaves: the files of its folder, printed tables, plots."""
