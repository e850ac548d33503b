"""Panels on the disk: built once from files of any size, mapped into memory by all who use them."""
