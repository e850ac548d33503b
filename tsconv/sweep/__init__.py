"""Hyperparameter sweeps: a search space, a shared study, workers that draw and train trials."""
