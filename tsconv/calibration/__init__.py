"""Forecasts that hold: calibrated quantiles, within bounds."""
