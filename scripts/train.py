"""Run `tsconv train ...` from a checkout: python scripts/train.py key=value ..."""

from tsconv.cli import run_script

run_script("train")
