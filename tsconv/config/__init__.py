"""Configuration: the schemas of every key, and the composition of configs by Hydra."""
