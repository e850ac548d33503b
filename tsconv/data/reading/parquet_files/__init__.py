"""Parquet files: their wanted columns, whole or in batches of lines."""
