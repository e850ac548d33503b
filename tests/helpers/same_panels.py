"""Whether two panels are the same to the last bit, notes aside."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import torch

from tsconv.data.panel.panel import Panel
from tsconv.data.reading.id_columns import IdColumns


def differences(one: Any, other: Any, leave_out: tuple[str, ...] = ("notes",)) -> list[str]:
    """The fields in which two panels, or two parts of panels, differ."""
    return [
        field.name
        for field in dataclasses.fields(one)
        if field.name not in leave_out
        and not _same(getattr(one, field.name), getattr(other, field.name))
    ]


def assert_same(one: Panel, other: Panel, *leave_out: str) -> None:
    """Fail, with the names of the fields that differ."""
    found = differences(one, other, leave_out or ("notes",))
    assert not found, found


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, torch.Tensor):
        return a.dtype == b.dtype and _same(a.numpy(), b.numpy())
    if isinstance(a, np.ndarray):
        return bool(a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes())
    if isinstance(a, IdColumns):
        alike = (x.equals(y) for x, y in zip(a.values, b.values, strict=True))
        return a.names == b.names and all(alike)
    if dataclasses.is_dataclass(a) and type(a) is type(b):
        return not differences(a, b)
    return bool(a == b)
