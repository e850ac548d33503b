"""Statistical models as further rivals of a backtest: AutoETS and AutoTheta of statsforecast."""
