"""A forecast in shards: parts made independently, by many processes, and merged into one file."""
