"""Several processes that do one job together: how they are started, and what they tell each other.

Pure torch, without Lightning or Hydra. Rank 0 reads, chooses, writes and prints; all ranks compute.
"""
