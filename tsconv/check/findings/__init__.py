"""What a checked file shows, each finding a pure function."""
