"""Spellings of a missing value in a file, whatever its column is."""

MISSING = ("", "NA", "N/A", "NaN", "nan", "null", "NULL", "None", "#N/A", "<NA>", "-nan", "-NaN")
