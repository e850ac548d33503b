"""The search space: ranges of config keys, and how a trial draws values from them."""
