"""Losses, metrics, baselines, and the scoring of every origin in one dense pass."""
