"""Tests of panels that are kept in files."""
