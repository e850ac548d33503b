"""Help and shell completion of the commands; both take what they say from `conf/`."""
