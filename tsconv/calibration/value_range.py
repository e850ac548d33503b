"""The range of a forecast: within the bounds of its target, and whole where it counts."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Collection, Sequence
from typing import Any

import torch
from torch import Tensor

from tsconv.config.schema import DataConfig
from tsconv.data.bounds import read_bound, require_names, require_order, spread_bound
from tsconv.data.panel.panel import Panel
from tsconv.errors import ConfigError
from tsconv.notes import Note, NoteKind
from tsconv.text import quote_first


@dataclasses.dataclass(frozen=True)
class ValueRange:
    """Bounds of each of T targets of S series, in the units of the data, and whether they count.

    >>> rain = ValueRange(torch.zeros(1, 1), torch.full((1, 1), math.inf), whole=False)
    >>> rain.is_open
    False
    """

    lower: Tensor  # (S, T) float64, -inf where there is none
    upper: Tensor  # (S, T) float64, inf where there is none
    whole: bool  # counts: values are made whole by ceil(x - 1/2)

    @property
    def is_open(self) -> bool:
        """Whether any value is one that may be forecast: there is nothing to do."""
        no_bound = (self.lower == -math.inf).all() & (self.upper == math.inf).all()
        return not self.whole and bool(no_bound)

    def limited(self, values: Tensor, series: Tensor, offset: Tensor) -> Tensor:
        """The nearest values that may be forecast, in the dtype of `values`; NaN stays NaN.

        Values that rise stay in order, equal at a bound. What comes out, added to the offset in
        float64, is never beyond a bound. Rounding to decimals may leave a bound of more decimals
        again: limit what was rounded once more, with an offset of 0.

        values: (B, T, H, ...) less `offset`, in the units of the data. series: (B,) which series
        each is of. offset: (B, T, H, 1, ...) of as many dimensions, or one that broadcasts to it.

        >>> rain = value_range_of(0.0, None, False, ["a"], ["y"])
        >>> rain.limited(torch.tensor([[[-3.0, 1.5]]]), torch.tensor([0]), torch.zeros(1)).tolist()
        [[[0.0, 1.5]]]
        """
        if self.is_open:
            return values
        out = values
        offset = offset.to(values.device, torch.float64)
        if self.whole:
            out = (torch.ceil(values.double() + offset - 0.5) - offset).to(values.dtype)
        lower, upper = (self._per_value(b, series, values) for b in (self.lower, self.upper))
        low = _less(lower, offset, values.dtype, math.inf)
        high = _less(upper, offset, values.dtype, -math.inf)
        return out.maximum(low).minimum(high)

    def beyond(self, values: Tensor, series: Tensor, offset: Tensor) -> tuple[Tensor, Tensor]:
        """How many values of each target lie below the lower and above the upper bound: (T,) each.

        The arguments are those of `limited`; NaN lies nowhere.
        """
        size = values.double() + offset.to(values.device, torch.float64)
        below = size < self._per_value(self.lower, series, values)
        above = size > self._per_value(self.upper, series, values)
        n_below, n_above = (b.transpose(0, 1).flatten(1).sum(1) for b in (below, above))
        return n_below, n_above

    def _per_value(self, bound: Tensor, series: Tensor, values: Tensor) -> Tensor:
        """(S, T) -> (B, T, 1, ...) of as many dimensions as the values."""
        taken = bound[series.to(bound.device)].to(values.device)
        return taken.reshape(*taken.shape, *(1,) * (values.dim() - 2))


def _less(bound: Tensor, offset: Tensor, dtype: torch.dtype, inwards: float) -> Tensor:
    """A bound less the offset: the nearest of the dtype that is not beyond it with the offset.

    inwards: inf for a lower bound, -inf for an upper one.
    """
    near = (bound - offset).to(dtype)
    with_offset = near.double() + offset
    beyond = with_offset < bound if inwards > 0 else with_offset > bound
    return torch.where(beyond, near.nextafter(torch.full_like(near, inwards)), near)


def value_range_of(
    lower: Any, upper: Any, whole: bool, ids: Sequence[str], targets: Sequence[str]
) -> ValueRange:
    """The range of a panel's forecasts from the bounds that a bundle or a config has.

    lower, upper: None, a number for all, or a mapping from names to numbers, in the units of the
    data; names that the panel lacks are passed over. whole: whether the values are counts, whose
    bounds are made whole, inwards. ids, targets: of the panel. Raises ConfigError for a bound that
    is none, and where no value lies between the two.

    >>> value_range_of({"rain": 0}, None, False, ["rain", "temperature"], ["y"]).lower.tolist()
    [[0.0], [-inf]]
    """
    low, high = read_bound("lower", lower), read_bound("upper", upper)
    require_order(low, high)
    least = spread_bound(low, ids, targets, -math.inf)
    most = spread_bound(high, ids, targets, math.inf)
    if whole:
        least, most = least.ceil(), most.floor()
        if bool((least > most).any()):
            raise ConfigError(
                f"no whole number lies between `data.lower` (={lower}) and `data.upper` (={upper})"
            )
    return ValueRange(least, most, whole)


def panel_range(
    panel: Panel,
    data: DataConfig,
    whole: bool,
    given: Collection[str] = (),
    trained: Sequence[str] = (),
) -> ValueRange:
    """The range of the forecasts of a panel, under the roles of a forecast or a backtest.

    Args:
        data: as `override_roles` gives it: the bounds of the bundle, or those in their place.
        whole: whether the values are counts.
        given: keys of `data` that were set for this panel: names in their bounds have to be there.
        trained: the bundle's targets, in the order of the panel's, which the file may call
            otherwise; the bundle's bounds go by these names.
    """
    names = dict(zip(trained, panel.targets, strict=False))
    bounds = {}
    for key, value in (("lower", data.lower), ("upper", data.upper)):
        bound = read_bound(key, value)
        if key in given:
            require_names(key, bound, panel.ids, panel.targets)
        elif isinstance(bound, dict):
            bound = {names.get(name, name): limit for name, limit in bound.items()}
        bounds[key] = bound
    return value_range_of(bounds["lower"], bounds["upper"], whole, panel.ids, panel.targets)


def bounds_note(key: str, bound: Any, beyond: int, total: int, names: Sequence[str]) -> Note | None:
    """A note on forecasts that were set to a bound; None where none was.

    key: `lower` or `upper`. bound: as the bundle or the config has it. beyond: how many of `total`
    values lay beyond it. names: of the targets or series with such values.

    >>> print(bounds_note("lower", 0.0, 3, 40, ["rain"]))
    3 of 40 forecast values of `rain` lay beyond `data.lower` (=0) and were set to it
    """
    if beyond == 0:
        return None
    limit = read_bound(key, bound)
    if isinstance(limit, dict):
        limits = {limit[name] for name in names if name in limit}
        limit = limits.pop() if len(limits) == 1 else None
    shown = "" if limit is None else f" (={limit:.10g})"
    first = tuple(names[:3])
    of = f" of {quote_first(first, len(names))}" if first else ""
    text = (
        f"{beyond:,} of {total:,} forecast values{of} lay beyond `data.{key}`{shown} and were set "
        f"to it"
    )
    return Note(NoteKind.SET_TO_BOUND, text, tuple(names))
