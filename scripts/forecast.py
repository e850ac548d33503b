"""Run `tsconv forecast ...` from a checkout: python scripts/forecast.py key=value ..."""

from tsconv.cli import run_script

run_script("forecast")
