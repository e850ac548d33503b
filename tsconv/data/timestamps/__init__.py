"""Times: frequencies, time zones, and the reading of a time column."""
