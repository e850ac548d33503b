"""Sample paths of forecasts, and the sums over series and steps that they give."""
