"""The same as `tsconv train ...`."""

from tsconv.cli import run_script

run_script("train")
