"""Covariates as a network takes them: numbers standardised, categories by their place in a list.

Means, deviations and lists come from the training part, travel in the bundle, and are applied to
any other panel by name. A category that the training did not have is number 0, unknown.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from tsconv.data.calendar import build_calendar
from tsconv.data.covariates import Covariates, Static
from tsconv.data.panel import Panel
from tsconv.data.zones import to_local
from tsconv.errors import DataError

ROLES = ("past", "future", "static")


@dataclasses.dataclass(frozen=True)
class Encoding:
    """Of one column: a mean and a deviation, or the categories in the order of their numbers."""

    name: str
    role: str  # one of ROLES
    mean: float = 0.0
    std: float = 1.0
    categories: tuple[str, ...] | None = None  # None: a column of numbers

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Encoding:
        """Build from plain JSON values."""
        known = values["categories"]
        return cls(**{**values, "categories": None if known is None else tuple(known)})


def fit_encodings(panel: Panel, train_end: Tensor) -> tuple[Encoding, ...]:
    """Encodings of all covariates from each series' first `train_end` steps: (S,).

    Static ones from all series that have a step to train on. Missing values do not count.
    """
    found: list[Encoding] = []
    known, static = panel.covariates, panel.static
    if known is not None:
        step = torch.arange(len(known.values)) - known.indptr[:-1].repeat_interleave(known.lengths)
        part = known.values[step < train_end.repeat_interleave(known.lengths)]
        for f, name in enumerate(known.names):
            role = "past" if f < known.n_past else "future"
            found.append(_fit(name, role, part[:, f], known.categories.get(name)))
    if static is not None:
        part = static.values[train_end > 0]
        for k, name in enumerate(static.names):
            found.append(_fit(name, "static", part[:, k], static.categories.get(name)))
    return tuple(found)


def _fit(name: str, role: str, values: Tensor, categories: tuple[str, ...] | None) -> Encoding:
    seen = values[~values.isnan()]
    if categories is not None:
        present = {categories[int(i)] for i in seen.unique().tolist()}
        return Encoding(name, role, categories=tuple(sorted(present)))
    if len(seen) == 0:
        return Encoding(name, role)
    std = float((seen - seen[0]).std(correction=0))  # exactly 0 for a constant
    return Encoding(name, role, float(seen.mean()), std if std > 0 else 1.0)


def encode(panel: Panel, encodings: Sequence[Encoding]) -> Panel:
    """The panel with its covariates encoded, in the encodings' order.

    Values are float32: categories as whole numbers from 1, 0 where unknown; NaN stays NaN. Raises
    DataError where a column is missing, or is numbers where the training had categories.
    """
    if panel.covariates is None and panel.static is None and not encodings:
        return panel
    notes = list(panel.notes)
    by_role = {role: [e for e in encodings if e.role == role] for role in ROLES}
    known, static = panel.covariates, panel.static
    if by_role["past"] or by_role["future"]:
        wanted = [*by_role["past"], *by_role["future"]]
        values = _encoded(known, wanted, notes)
        assert known is not None  # or a column would have been missing
        names = tuple(e.name for e in wanted)
        known = dataclasses.replace(
            known, values=values, names=names, n_past=len(by_role["past"]), categories={}
        )
    if by_role["static"]:
        values = _encoded(static, by_role["static"], notes)
        assert static is not None
        names = tuple(e.name for e in by_role["static"])
        static = Static(values, names, {})
    return dataclasses.replace(panel, covariates=known, static=static, notes=tuple(notes))


def _encoded(
    part: Covariates | Static | None, wanted: Sequence[Encoding], notes: list[str]
) -> Tensor:
    names = () if part is None else part.names
    columns = []
    for encoding in wanted:
        if part is None or encoding.name not in names:
            raise DataError(
                f"no {encoding.role} covariate `{encoding.name}`, which the training had: name its "
                f"column in `data.{encoding.role}_covariates`"
            )
        values = part.values[:, names.index(encoding.name)]
        theirs = part.categories.get(encoding.name)
        if (theirs is None) != (encoding.categories is None):
            was, now = ("numbers", "categories") if theirs else ("categories", "numbers")
            raise DataError(
                f"covariate `{encoding.name}` holds {now} and held {was} in training: "
                f"see `data.categories`"
            )
        if encoding.categories is None or theirs is None:
            columns.append((values - encoding.mean) / encoding.std)
            continue
        number = {name: i + 1 for i, name in enumerate(encoding.categories)}
        table = torch.tensor([float(number.get(name, 0)) for name in theirs] or [0.0])
        columns.append(torch.where(values.isnan(), torch.nan, table[values.nan_to_num(0).long()]))
        unknown = [name for name in theirs if name not in number]
        if unknown:
            listed = ", ".join(f"`{u}`" for u in unknown[:3]) + (", ..." if unknown[3:] else "")
            notes.append(
                f"covariate `{encoding.name}`: {listed} not there in training ({len(unknown)} "
                f"such): taken as unknown"
            )
    return torch.stack([c.float() for c in columns], dim=1)


def covariate_sizes(encodings: Sequence[Encoding]) -> dict[str, Any]:
    """What a network must know of the columns: categories of each, and how many are numbers."""
    of = {role: [e for e in encodings if e.role == role] for role in ROLES}
    sizes = {r: tuple(len(e.categories) for e in of[r] if e.categories is not None) for r in ROLES}
    return {
        "past_categories": sizes["past"],
        "future_categories": sizes["future"],
        "n_future": len(of["future"]) - len(sizes["future"]),
        "static_categories": sizes["static"],
        "n_static": len(of["static"]) - len(sizes["static"]),
    }


def with_calendar(panel: Panel, names: tuple[str, ...], horizon: int) -> Panel:
    """The panel with calendar features for all of its steps and `horizon` more."""
    if not names:
        return panel
    calendar = build_calendar(
        panel.start,
        panel.lengths.cpu(),
        panel.frequency,
        names,
        horizon,
        lambda time: to_local(time, panel),
    )
    return dataclasses.replace(panel, calendar=calendar)
