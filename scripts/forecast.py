"""The same as `tsconv forecast ...`."""

from tsconv.cli import run_script

run_script("forecast")
