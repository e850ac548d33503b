"""Run `tsconv backtest ...` from a checkout: python scripts/backtest.py key=value ..."""

from tsconv.cli import run_script

run_script("backtest")
