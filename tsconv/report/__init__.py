"""The report of a backtest as one HTML file that needs no network, and its twin in JSON."""
