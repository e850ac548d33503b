"""What a run leaves to read and to look at: reports, tables, pictures."""
