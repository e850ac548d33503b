"""TrainingSummary: what a bundle says of the training that it comes from, beside its figures."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Mapping
from typing import Any

import torch

from tsconv.errors import BundleError
from tsconv.forecasting.bundles.checks import entry, require_keys, shown
from tsconv.forecasting.bundles.machine import package_versions, processor_name

_GROUP = "training"


@dataclasses.dataclass(frozen=True)
class TrainingSummary:
    """Where a bundle comes from; figures, seed and reasons of the training are in `Bundle.info`."""

    finished: str  # UTC, such as 2026-01-31T12:00:00Z
    data_hash: str  # of `data.fingerprint`: names, times and values, in hexadecimal
    machine: str  # the processor or the GPU
    threads: int
    versions: dict[str, str]  # by package

    @classmethod
    def now(cls, data_hash: str, device: torch.device, threads: int) -> TrainingSummary:
        """The summary of a training that ends now, on this machine.

        >>> summary = TrainingSummary.now("0123456789abcdef", torch.device("cpu"), threads=2)
        >>> TrainingSummary.from_values(summary.values()) == summary
        True
        """
        finished = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return cls(finished, data_hash, processor_name(device), threads, package_versions())

    def values(self) -> dict[str, Any]:
        """Plain values, for config.json; see `from_values`."""
        return dataclasses.asdict(self)

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> TrainingSummary:
        """What `values` has given; raises BundleError for anything else."""
        require_keys(values, tuple(f.name for f in dataclasses.fields(cls)), _GROUP)
        versions = entry(values, "versions", dict, _GROUP)
        for name in versions:
            if not isinstance(versions[name], str):
                raise BundleError(f"`training.versions.{shown(name)}` must be a text")
        return cls(
            finished=entry(values, "finished", str, _GROUP),
            data_hash=entry(values, "data_hash", str, _GROUP),
            machine=entry(values, "machine", str, _GROUP),
            threads=entry(values, "threads", int, _GROUP),
            versions=versions,
        )
