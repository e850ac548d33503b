"""Layouts of files, found by name: what the file is, and the keys that read it or the way out."""
