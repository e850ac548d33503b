"""Backtests of networks that are trained anew along the way, on what was known then."""
