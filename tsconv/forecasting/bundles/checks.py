"""What a bundle may hold: plain values of the right type, finite numbers, names fit for a message.

The files of a bundle come from anywhere. Messages name the entry by its keys, as in
`contract.horizon`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from tsconv.errors import BundleError
from tsconv.text import printable

_KINDS = {
    bool: "true or false",
    dict: "a group of keys",
    float: "a number",
    int: "a whole number",
    list: "a list",
    str: "a text",
}


def shown(value: Any, most: int = 60) -> str:
    """A name or a value of a file, short and without control characters.

    >>> shown("a\\x1b[31m"), shown([1] * 1000, most=8)
    ('a\\\\x1b[31m', '[1, 1, 1...')
    """
    text = value if isinstance(value, str) else str(value)
    text = printable(text[: most + 1])
    return text if len(text) <= most else text[:most] + "..."


def entry(values: Mapping[str, Any], key: str, kind: type, group: str = "") -> Any:
    """The value at a key of a group of config.json; raises BundleError for a wrong or missing one.

    kind: bool, dict, float, int, list or str. A whole number is a number; true and false are none.

    >>> entry({"season": 7}, "season", int, "contract")
    7
    >>> entry({"season": "week"}, "season", int, "contract")
    Traceback (most recent call last):
        ...
    tsconv.errors.BundleError: `contract.season` (=week) must be a whole number
    """
    name = f"{group}.{key}" if group else key
    if key not in values:
        raise BundleError(f"`{name}` is missing")
    value = values[key]
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise BundleError(f"`{name}` (={shown(value)}) must be {_KINDS[kind]}")
    return value


def texts(values: Mapping[str, Any], key: str, group: str = "") -> tuple[str, ...]:
    """The texts of a list in config.json; raises BundleError for anything else.

    >>> texts({"rows": ["north", "south"]}, "rows")
    ('north', 'south')
    """
    found = entry(values, key, list, group)
    for one in found:
        if not isinstance(one, str):
            name = f"{group}.{key}" if group else key
            raise BundleError(f"`{name}` holds {shown(one)}, which must be a text")
    return tuple(found)


def require_keys(values: Mapping[str, Any], known: tuple[str, ...], group: str = "") -> None:
    """Raise BundleError for a key that this version does not know: it might change a forecast.

    >>> require_keys({"rows": []}, ("rows", "series"), "contract")
    """
    for key in values:
        if key not in known:
            name = f"{group}.{shown(key)}" if group else shown(key)
            raise BundleError(f"`{name}` is not a key that this version knows")


def first_not_finite(value: Any, name: str = "") -> str | None:
    """Where in plain values a number is NaN or infinite, as keys with dots; None for nowhere.

    >>> first_not_finite({"test": {"mae": [0.5, float("nan")]}})
    'test.mae.1'
    """
    if isinstance(value, float):
        return None if math.isfinite(value) else name
    if isinstance(value, dict):
        items = list(value.items())
    elif isinstance(value, (list, tuple)):
        items = list(enumerate(value))
    else:
        return None
    for key, one in items:
        found = first_not_finite(one, f"{name}.{key}" if name else str(key))
        if found is not None:
            return found
    return None


def require_finite(tensors: Mapping[str, Tensor], source: str) -> None:
    """Raise BundleError where a tensor has a number that is NaN or infinite.

    source: whose the tensors are, for the message.

    >>> require_finite({"stem.weight": torch.tensor([1.0, float("nan")])}, "the network")
    Traceback (most recent call last):
        ...
    tsconv.errors.BundleError: the network: tensor `stem.weight` holds nan, which is not finite
    """
    for name, tensor in tensors.items():
        if not tensor.is_floating_point() or tensor.numel() == 0:
            continue
        # NaN goes through the least and the greatest value; no second tensor is made.
        for bound in torch.aminmax(tensor.detach()):
            if not math.isfinite(float(bound)):
                raise BundleError(
                    f"{source}: tensor `{shown(name)}` holds {float(bound)}, which is not finite"
                )
