"""What a check finds in a file, each finding a pure function."""
