"""Forecasts in shards and sweeps as tasks on a Ray cluster, for `scripts/ray_*.py`; extra `ray`."""
