"""Migrations: from the config.json of each earlier format to that of this one, a step at a time.

A step is a function of plain values alone, and stays as it is when it is written: a bundle of the
first format goes through all of them. Tensors have kept their names; nothing of them changes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from tsconv.errors import BundleError
from tsconv.forecasting.bundles.checks import entry, shown

FORMAT = 3  # that this version writes
Values = dict[str, Any]

# Top-level keys that all formats share.
_SHARED = ("tsconv_version", "net", "networks", "calibration")


def migrated(values: Mapping[str, Any]) -> Values:
    """The values of a config.json of any format as those of `FORMAT`; they are not changed.

    Raises BundleError for a format that this version does not know, and for a config that has not
    what its format says.

    >>> migrated({"format": 99, "tsconv_version": "9.0"})  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    tsconv.errors.BundleError: format 99 of tsconv 9.0 is newer than 3, the newest that this ...
    """
    found = entry(values, "format", int)
    if found > FORMAT:
        raise BundleError(
            f"format {found} of tsconv {shown(values.get('tsconv_version', '?'))} is newer than "
            f"{FORMAT}, the newest that this version reads: update tsconv"
        )
    if found < 1:
        raise BundleError(f"format {found} is not one that there is (1 to {FORMAT})")
    out = dict(values)
    while out["format"] != FORMAT:
        out = _STEPS[out["format"]](out)
    return out


def from_format_1(values: Mapping[str, Any]) -> Values:
    """From format 1, of one network, to 3: what concerns the data comes together in `contract`.

    Early bundles lack keys of later ones: channels stood in `info` once, and ranges of columns were
    not kept.

    >>> early = {"format": 1, "net": {"horizon": 3, "context_length": 8}, "data": {"time": "day"},
    ...          "freq": "D", "season": 7, "info": {"channels": ["y"], "seed": 0}}
    >>> from_format_1(early)["contract"]["channels"]
    [{'name': 'y', 'kind': 'target'}]
    """
    if "networks" in values:
        raise BundleError("format 1 has one network, `net`, and no `networks`")
    return _with_contract(values, [entry(values, "net", dict)])


def from_format_2(values: Mapping[str, Any]) -> Values:
    """From format 2, of several networks, to 3; all else is as in format 1.

    >>> from_format_2({"format": 2, "networks": []})
    Traceback (most recent call last):
        ...
    tsconv.errors.BundleError: `networks` is empty: a bundle has at least one network
    """
    if "net" in values:
        raise BundleError("format 2 has several `networks`, and no `net`")
    listed = entry(values, "networks", list)
    if not listed:
        raise BundleError("`networks` is empty: a bundle has at least one network")
    groups = [one if isinstance(one, dict) else {} for one in listed]
    nets = [entry(one, "net", dict, f"networks.{i}") for i, one in enumerate(groups)]
    return _with_contract(values, nets)


def _with_contract(values: Mapping[str, Any], nets: list[Values]) -> Values:
    info = entry(values, "info", dict)
    n_past = entry({"n_past": 0, **nets[0]}, "n_past", int, "net")
    names = values.get("channels", info.get("channels")) or []
    if not isinstance(names, list):
        raise BundleError(f"`channels` (={shown(names)}) must be a list")
    n_targets, quantiles = len(names) - n_past, nets[0].get("quantiles")
    contract = {
        "roles": entry(values, "data", dict),
        "frequency": entry(values, "freq", str),
        "season": entry(values, "season", int),
        "horizon": entry(nets[0], "horizon", int, "net"),
        "context_length": max(entry(net, "context_length", int, "net") for net in nets),
        "head": nets[0].get("head") or ("point" if quantiles is None else "quantile"),
        "quantiles": quantiles,
        "channels": [
            {"name": name, "kind": "target" if c < n_targets else "past covariate"}
            for c, name in enumerate(names)
        ],
        "rows": values.get("rows") or [],
        "series": values.get("series") or [],
        "covariates": values.get("covariates", []),
        "target_ranges": values.get("target_ranges", {}),
        "lower": values.get("lower"),
        "upper": values.get("upper"),
    }
    kept = {key: values[key] for key in _SHARED if key in values}
    # NaN could be written once, and not every program that reads JSON takes it.
    return {"format": 3, **kept, "contract": contract, "info": _without_nan(info)}


_STEPS: dict[int, Callable[[Mapping[str, Any]], Values]] = {
    1: from_format_1,
    2: from_format_2,
}


def _without_nan(value: Any) -> Any:
    """The same plain values with None for each number that is not finite."""
    if isinstance(value, dict):
        return {key: _without_nan(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_without_nan(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
