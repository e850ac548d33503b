"""Shards: the series of a file in parts that processes read and forecast independently."""
