"""The same as `tsconv check ...`."""

from tsconv.cli import run_script

run_script("check")
