"""Settings of a sweep."""

from __future__ import annotations

from typing import Any

from tsconv.config.schema import SweepConfig


def settings(**given: Any) -> SweepConfig:
    defaults: dict[str, Any] = {
        "n_trials": 5, "timeout": None, "workers": 1, "sampler": "random", "pruner": None,
        "objectives": ["val.mae"], "seed": 0, "baseline": True, "storage": None, "study": None,
        "heartbeat": 1, "retries": 2, "refit": False,
    }  # fmt: skip
    return SweepConfig(**{**defaults, **given})
