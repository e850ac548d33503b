"""The only door for untrusted input: files and DataFrames become a checked table."""
