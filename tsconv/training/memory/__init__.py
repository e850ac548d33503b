"""What memory a training takes, what there is, and what is done where it does not suffice."""
