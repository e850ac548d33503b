"""Bundles: their files, what is checked when they are read, and earlier formats."""
