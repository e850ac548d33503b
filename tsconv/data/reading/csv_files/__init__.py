"""CSV files: unpacked, sniffed, read by pyarrow, and searched again for the line of a fault."""
