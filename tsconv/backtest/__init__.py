"""What a trained network would have said at every past origin, and how far off that was."""
