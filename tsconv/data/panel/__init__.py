"""From a table to a panel: every series on its regular grid, in one tensor with offsets."""
