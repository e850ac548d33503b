"""From a bundle and a table to a table of forecasts."""
