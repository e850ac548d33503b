"""The calibration of a bundle's intervals: plain values in config.json, tensors beside it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from tsconv.calibration.conformal import Calibration
from tsconv.calibration.score_maps import LEVELS
from tsconv.errors import BundleError
from tsconv.forecasting.bundles.checks import entry, require_keys, shown, texts
from tsconv.forecasting.bundles.tensor_file import Entry, TensorFile

CALIBRATION = "calibration.safetensors"
_KEYS = ("kind", "series", "targets", "rows", "info", "levels")
_MAPS = ("step_scores", "series_scores")
_DEPENDENCE = ("dependence.pit", "dependence.series", "dependence.span")


def read_calibration(
    values: Mapping[str, Any], path: Path, checksum: str | None, horizon: int
) -> Calibration:
    """The calibration that config.json and its tensors describe.

    values: the group `calibration` of config.json. path: of calibration.safetensors; checksum: its
    SHA-256, None where the format has none. horizon: of the networks. Raises OSError, BundleError,
    and ConfigError or ValueError for values that no calibration has.
    """
    require_keys(values, _KEYS, "calibration")
    series, targets, rows = (
        len(texts(values, key, "calibration")) for key in ("series", "targets", "rows")
    )
    entry(values, "info", dict, "calibration")
    entry(values, "kind", str, "calibration")
    entry(values, "levels", list, "calibration")
    with TensorFile(path) as file:
        _require_shapes(file.entries, series, targets, max(1, rows), horizon)
        tensors = file.read(checksum)
    _require_numbers(tensors, series)
    return Calibration.from_state(dict(values), tensors)


def _require_shapes(
    entries: Mapping[str, Entry], series: int, targets: int, rows: int, horizon: int
) -> None:
    """Raise BundleError unless the tensors are those of a calibration of this size."""
    with_dependence = any(name in entries for name in _DEPENDENCE)
    wanted = (*_MAPS, *(_DEPENDENCE if with_dependence else ()))
    for name in wanted:
        if name not in entries:
            raise BundleError(f"{CALIBRATION}: tensor `{name}` is missing")
    for name in entries:
        if name not in wanted:
            raise BundleError(f"{CALIBRATION}: a calibration has no tensor `{shown(name)}`")
    shapes: dict[str, tuple[int, ...]] = {
        "step_scores": (horizon, len(LEVELS)),
        "series_scores": (series * targets * rows, len(LEVELS)),
    }
    if with_dependence:
        pit = entries["dependence.pit"].shape
        n, k = pit[:2] if len(pit) == 5 else (0, 0)
        shapes["dependence.pit"] = (n, k, targets, rows, horizon)
        shapes["dependence.series"] = (k,)
        shapes["dependence.span"] = ()
    for name, shape in shapes.items():
        if entries[name].shape != shape:
            raise BundleError(
                f"{CALIBRATION}: tensor `{name}` is {entries[name].text}, and the names in "
                f"config.json take the shape {shape}"
            )
        found = entries[name].dtype
        if found.is_floating_point != (name in _MAPS):
            raise BundleError(f"{CALIBRATION}: tensor `{name}` is {entries[name].text}")


def _require_numbers(tensors: Mapping[str, Tensor], series: int) -> None:
    """Raise BundleError where templates are of series that there are not."""
    numbers = tensors.get("dependence.series")
    if numbers is not None and bool(torch.any((numbers < 0) | (numbers >= series))):
        raise BundleError(
            f"{CALIBRATION}: tensor `dependence.series` names a series beyond the {series} in "
            f"config.json"
        )
