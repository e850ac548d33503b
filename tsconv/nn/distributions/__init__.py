"""Distributions of real numbers and of counts: log-probabilities, quantiles, means; pure torch."""
