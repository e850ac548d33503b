"""Wide files: a column for each series, row or step, laid out as one line for each value."""
