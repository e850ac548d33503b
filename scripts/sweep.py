"""The same as `tsconv sweep ...`."""

from tsconv.cli import run_script

run_script("sweep")
