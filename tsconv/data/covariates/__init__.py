"""Covariates as a network takes them, and what is known of the horizon."""
