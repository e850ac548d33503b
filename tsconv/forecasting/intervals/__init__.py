"""The intervals of forecasts: which levels are wanted, and how they are calibrated."""
