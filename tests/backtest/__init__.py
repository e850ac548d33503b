"""Tests of tsconv.backtest."""
