"""What a report says, as plain values: made from a backtest, drawn by the page."""
