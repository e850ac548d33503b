"""Covariates as a network takes them: numbers standardised, categories numbered.

Means, deviations and lists come from the training part, travel in the bundle, and are applied to
any other panel by name. A category that the training did not have is number 0, unknown.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from tsconv.data.covariates.shift import TrainingRange
from tsconv.data.panel.calendar import build_calendar
from tsconv.data.panel.covariate_grid import Covariates, Static
from tsconv.data.panel.panel import Panel
from tsconv.data.panel.ragged import steps_within
from tsconv.data.reading.names import boolean_key
from tsconv.data.timestamps.zones import to_local
from tsconv.errors import DataError, nearest
from tsconv.notes import Note, NoteKind
from tsconv.text import plural, quote_first

ROLES = ("past", "future", "static")
LIMIT = 10.0  # deviations


@dataclasses.dataclass(frozen=True)
class Encoding:
    """Of one column: a mean and a deviation, or the categories in the order of their numbers."""

    name: str
    role: str  # one of ROLES
    mean: float = 0.0
    std: float = 1.0  # 0: constant in training, of which nothing can be learnt
    categories: tuple[str, ...] | None = None  # None: a column of numbers
    training_range: TrainingRange | None = None  # None: categories, or an earlier version's bundle

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Encoding:
        """Build from plain JSON values, as a bundle has them.

        >>> Encoding.from_dict({"name": "sky", "role": "past", "categories": ["fair"]}).categories
        ('fair',)
        """
        categories, trained = values["categories"], values.get("training_range")
        return cls(
            **{
                **values,
                "categories": None if categories is None else tuple(categories),
                "training_range": None if trained is None else TrainingRange(**trained),
            }
        )


def fit_encodings(panel: Panel, train_end: Tensor) -> tuple[Encoding, ...]:
    """Encodings of all covariates from each series' first `train_end` steps: (S,).

    Static ones from all series that have a step to train on. Missing values do not count; a column
    of categories without any has no encoding.
    """
    found: list[Encoding] = []
    covariates, static = panel.covariates, panel.static
    if covariates is not None:
        trains = steps_within(covariates.indptr) < train_end.repeat_interleave(covariates.lengths)
        part = covariates.values[trains]
        for f, name in enumerate(covariates.names):
            role = "past" if f < covariates.n_past else "future"
            found.append(_fit(name, role, part[:, f], covariates.categories.get(name)))
    if static is not None:
        part = static.values[train_end > 0]
        for k, name in enumerate(static.names):
            found.append(_fit(name, "static", part[:, k], static.categories.get(name)))
    return tuple(e for e in found if e.categories != ())


def _fit(name: str, role: str, values: Tensor, categories: tuple[str, ...] | None) -> Encoding:
    """The encoding of one column's training values, NaN where missing."""
    seen = values[~values.isnan()]
    if categories is not None:
        present = sorted({categories[int(i)] for i in np.unique(seen.numpy())})
        alike = {boolean_key(category): category for category in reversed(present)}
        return Encoding(name, role, categories=tuple(sorted(alike.values())))
    if len(seen) == 0:
        return Encoding(name, role, 0.0, 0.0)
    std = float((seen - seen[0]).std(correction=0))  # exactly 0 for a constant
    trained = TrainingRange.of(seen.numpy()) if std > 0 else None
    return Encoding(name, role, float(seen.mean()), std, training_range=trained)


def encode(panel: Panel, encodings: Sequence[Encoding], source: str = "the data") -> Panel:
    """The panel with its covariates encoded, in the encodings' order; others are left out.

    Values are float32: numbers within `LIMIT` deviations, categories as whole numbers from 1, 0
    where unknown; NaN stays NaN. Raises DataError, which names `source`, where a column is missing,
    or is numbers where the training had categories.
    """
    by_role = {role: [e for e in encodings if e.role == role] for role in ROLES}
    covariates, static = panel.covariates, panel.static
    by_step = [*by_role["past"], *by_role["future"]]
    try:
        values, step_notes = _encoded(covariates, by_step)
        fixed, static_notes = _encoded(static, by_role["static"])
    except DataError as error:
        raise DataError(f"{source}: {error}") from error
    if covariates is not None:
        names, n_past = tuple(e.name for e in by_step), len(by_role["past"])
        covariates = (
            None if values is None else Covariates(values, covariates.indptr, names, {}, n_past)
        )
    if static is not None:
        names = tuple(e.name for e in by_role["static"])
        static = None if fixed is None else Static(fixed, names, {})
    notes = (*_unused_notes(panel, encodings), *step_notes, *static_notes)
    return dataclasses.replace(panel, covariates=covariates, static=static).with_notes(notes)


def _unused_notes(panel: Panel, encodings: Sequence[Encoding]) -> list[Note]:
    """Notes on columns from which nothing can be learnt."""
    used = {e.name for e in encodings}
    parts = [part for part in (panel.covariates, panel.static) if part is not None]
    empty = [name for part in parts for name in part.names if name not in used]
    notes = []
    for name in empty:
        text = f"covariate `{name}` has no values in the training data: left out"
        notes.append(Note(NoteKind.EMPTY_COVARIATE, text, (name,)))
    constant = [e.name for e in encodings if e.std == 0 and e.categories is None]
    for name in constant:
        text = f"covariate `{name}` is constant in the training data: ignored"
        notes.append(Note(NoteKind.CONSTANT_COVARIATE, text, (name,)))
    return notes


def _encoded(
    part: Covariates | Static | None, wanted: Sequence[Encoding]
) -> tuple[Tensor | None, list[Note]]:
    """The wanted columns encoded, side by side on axis 1, None for none; and notes on them."""
    names = () if part is None else part.names
    columns: list[Tensor] = []
    notes: list[Note] = []
    for encoding in wanted:
        if part is None or encoding.name not in names:
            raise DataError(
                f"the {encoding.role} covariate `{encoding.name}` of the training is missing: add "
                f"the "
                f"column, and name it in `data.{encoding.role}_covariates`"
            )
        values = part.values[:, names.index(encoding.name)]
        categories = part.categories.get(encoding.name)
        if (categories is None) != (encoding.categories is None):
            was, now = ("numbers", "categories") if categories else ("categories", "numbers")
            raise DataError(
                f"covariate `{encoding.name}` holds {now}, but held {was} in training: "
                f"see `data.categories`"
            )
        if encoding.categories is None or categories is None:
            column, found = _standardised(values, encoding)
        else:
            column, found = _numbered(values, categories, encoding)
        columns.append(column)
        notes += found
    return torch.stack(columns, dim=1) if columns else None, notes


def _standardised(values: Tensor, encoding: Encoding) -> tuple[Tensor, list[Note]]:
    """Numbers in deviations from the training's mean, clipped at `LIMIT`; a note where any is.

    The training shows nothing further out: an effect must not grow without bound there.
    """
    scaled = (values - encoding.mean) * (1 / encoding.std if encoding.std > 0 else 0)
    count = int((scaled.abs() > LIMIT).sum())
    notes = []
    if count:
        worst = float(values.flatten()[scaled.abs().nan_to_num(0).flatten().argmax()])
        text = (
            f"covariate `{encoding.name}`: {plural(count, 'value')} such as {worst:g} lie more "
            f"than {LIMIT:g} standard deviations from the training mean: clipped to that"
        )
        notes.append(Note(NoteKind.CLIPPED_COVARIATE, text, (encoding.name,)))
    return scaled.clamp(-LIMIT, LIMIT).float(), notes


def _numbered(
    values: Tensor, categories: tuple[str, ...], encoding: Encoding
) -> tuple[Tensor, list[Note]]:
    """Categories by their number in the training, 0 where it had none such; a note on those."""
    number = {boolean_key(name): i + 1 for i, name in enumerate(encoding.categories or ())}
    table = torch.tensor([float(number.get(boolean_key(name), 0)) for name in categories] or [0.0])
    unknown = [name for name in categories if boolean_key(name) not in number]
    notes = []
    if unknown:
        listed = quote_first(unknown[:3], len(unknown))
        text = (
            f"covariate `{encoding.name}`: {listed} did not occur in training "
            f"({plural(len(unknown), 'such category', 'such categories')}): treated as "
            f"unknown{nearest(unknown[0], number)}"
        )
        notes.append(Note(NoteKind.UNKNOWN_CATEGORIES, text, (encoding.name,)))
    return torch.where(values.isnan(), torch.nan, table[values.nan_to_num(0).long()]), notes


def covariate_sizes(encodings: Sequence[Encoding]) -> dict[str, Any]:
    """The arguments of a network's spec: categories of each column, and how many are numbers.

    >>> sizes = covariate_sizes([Encoding("sky", "past", categories=("fair", "rain"))])
    >>> sizes["past_categories"], sizes["n_future"]
    ((2,), 0)
    """
    by_role = {role: [e for e in encodings if e.role == role] for role in ROLES}
    sizes = {
        role: tuple(len(e.categories) for e in found if e.categories is not None)
        for role, found in by_role.items()
    }
    return {
        "past_categories": sizes["past"],
        "future_categories": sizes["future"],
        "n_future": len(by_role["future"]) - len(sizes["future"]),
        "static_categories": sizes["static"],
        "n_static": len(by_role["static"]) - len(sizes["static"]),
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
