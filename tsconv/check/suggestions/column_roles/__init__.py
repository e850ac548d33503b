"""What each column of a file is: time, id, target, or a candidate for a covariate."""
