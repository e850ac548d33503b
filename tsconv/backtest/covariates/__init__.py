"""What covariates and rows have to do with the errors of a backtest."""
