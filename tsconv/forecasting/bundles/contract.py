"""The data contract of a bundle: what data its network takes, and what it forecasts of them.

It is the group `contract` of config.json. What the network says as well (horizon, context, levels)
stands there for readers that do not build networks, and must agree with it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tsconv.config.schema import DataConfig
from tsconv.data.bounds import read_bound
from tsconv.data.covariates.encode import ROLES, Encoding
from tsconv.data.covariates.shift import TrainingRange
from tsconv.errors import BundleError
from tsconv.forecasting.bundles.checks import entry, require_keys, shown, texts
from tsconv.model.ensemble import Network
from tsconv.model.spec import NetSpec

if TYPE_CHECKING:
    from tsconv.forecasting.bundles.bundle import Bundle

_GROUP = "contract"
# Keys of the group `data` that stand elsewhere in a bundle, or nowhere.
_NOT_PORTABLE = (
    "path", "future_path", "origins_per_chunk", "chunks_per_batch", "allow_shift", "lower", "upper",
    "cache", "cache_dir",
)  # fmt: skip
_OF_NETWORK = ("horizon", "context_length", "head", "quantiles")
_KEYS = (
    "roles", "frequency", "season", *_OF_NETWORK, "channels", "rows", "series", "covariates",
    "target_ranges", "lower", "upper",
)  # fmt: skip
TARGET, PAST = "target", "past covariate"  # kinds of channels


def contract_values(bundle: Bundle) -> dict[str, Any]:
    """The contract of a bundle as plain values; see `contract_fields`."""
    n_targets = len(bundle.channels) - bundle.net.spec.n_past
    channels = [
        {"name": name, "kind": TARGET if c < n_targets else PAST}
        for c, name in enumerate(bundle.channels)
    ]
    ranges = {name: dataclasses.asdict(r) for name, r in bundle.target_ranges.items()}
    return {
        "roles": _portable_roles(bundle.data),
        "frequency": bundle.freq,
        "season": bundle.season,
        **_of_network(bundle.net),
        "channels": channels,
        "rows": list(bundle.rows),
        "series": list(bundle.series),
        "covariates": [dataclasses.asdict(e) for e in bundle.encodings],
        "target_ranges": ranges,
        "lower": bundle.lower,
        "upper": bundle.upper,
    }


def contract_fields(values: Mapping[str, Any], net: Network) -> dict[str, Any]:
    """The fields of a Bundle that a contract holds.

    net: that the contract must agree with. Raises BundleError for a key that is wrong, missing or
    not known, and ConfigError, TypeError or KeyError for the values of a group within.
    """
    require_keys(values, _KEYS, _GROUP)
    for key, found in _of_network(net).items():
        if key not in values or values[key] != found:
            raise BundleError(
                f"`contract.{key}` (={shown(values.get(key))}) is not what the network has "
                f"({shown(found)})"
            )
    roles = entry(values, "roles", dict, _GROUP)
    require_keys(roles, tuple(_portable_roles(DataConfig())), "contract.roles")
    return {
        "data": DataConfig(**roles),
        "freq": entry(values, "frequency", str, _GROUP),
        "season": entry(values, "season", int, _GROUP),
        "channels": _channels(entry(values, "channels", list, _GROUP), net.spec.n_past),
        "rows": _as_many(texts(values, "rows", _GROUP), net.spec.n_rows, "rows"),
        "series": _as_many(texts(values, "series", _GROUP), net.spec.n_series, "series"),
        "encodings": tuple(_encoding(e) for e in entry(values, "covariates", list, _GROUP)),
        "target_ranges": {
            name: _range(entry(values["target_ranges"], name, dict, "contract.target_ranges"))
            for name in entry(values, "target_ranges", dict, _GROUP)
        },
        "lower": read_bound("lower", values.get("lower")),
        "upper": read_bound("upper", values.get("upper")),
    }


def network_part(specs: list[NetSpec]) -> dict[str, Any]:
    """The part of a contract that networks say by themselves, as plain values.

    >>> network_part([NetSpec(3, 8), NetSpec(3, 16)])["context_length"]
    16
    """
    first = specs[0]
    return {
        "horizon": first.horizon,
        "context_length": max(spec.context_length for spec in specs),
        "head": first.head or ("point" if first.quantiles is None else "quantile"),
        "quantiles": None if first.quantiles is None else list(first.quantiles),
    }


def _of_network(net: Network) -> dict[str, Any]:
    return network_part([net.spec])


def _portable_roles(data: DataConfig) -> dict[str, Any]:
    """The roles and the format of the file, without the path of the training data."""
    values = dataclasses.asdict(data)
    for key in _NOT_PORTABLE:
        values.pop(key)
    return values


def _channels(listed: list[Any], n_past: int) -> tuple[str, ...]:
    """The names of the channels, whose kinds must be those that the network takes."""
    names = []
    for c, one in enumerate(listed):
        group = f"contract.channels.{c}"
        values = one if isinstance(one, dict) else {}
        names.append(entry(values, "name", str, group))
        kind = entry(values, "kind", str, group)
        right = TARGET if c < len(listed) - n_past else PAST
        if kind != right:
            raise BundleError(
                f"`{group}.kind` (={shown(kind)}) must be `{right}`: the network takes {n_past} "
                f"past covariates behind the targets"
            )
    return tuple(names)


def _as_many(names: tuple[str, ...], count: int | None, key: str) -> tuple[str, ...]:
    """The names, which are as many as the network tells apart where it does."""
    if count is not None and names and len(names) != count:
        raise BundleError(
            f"`contract.{key}` has {len(names)} names, and the network tells {count} apart"
        )
    return names


def _encoding(values: Any) -> Encoding:
    group = "contract.covariates"
    if not isinstance(values, dict):
        raise BundleError(f"`{group}` holds {shown(values)} instead of keys and values")
    require_keys(values, tuple(f.name for f in dataclasses.fields(Encoding)), group)
    entry(values, "name", str, group)
    if entry(values, "role", str, group) not in ROLES:
        raise BundleError(f"`{group}.role` (={shown(values['role'])}) is none of {ROLES}")
    for key in ("mean", "std"):
        entry(values, key, float, group)
    if values["categories"] is not None:
        texts(values, "categories", group)
    if values.get("training_range") is not None:
        _range(entry(values, "training_range", dict, group))
    return Encoding.from_dict(values)


def _range(values: dict[str, Any]) -> TrainingRange:
    fields = tuple(f.name for f in dataclasses.fields(TrainingRange))
    require_keys(values, fields, "the range of a column")
    return TrainingRange(**{key: entry(values, key, float) for key in values})
