"""Seasons that the data show: which periods repeat, and the seasonal lags that follow."""
