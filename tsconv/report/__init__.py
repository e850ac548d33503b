"""The report: one page that shows what a backtest found, and the same as JSON."""
