"""Covariates as a network takes them: numbers standardised, categories numbered.

Means, deviations and lists come from the training part, travel in the bundle, and are applied to
any other panel by name. A category that the training did not have is number 0, unknown.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from tsconv.data.covariates.shift import TrainingRange
from tsconv.data.mapped import mapped_file
from tsconv.data.panel.calendar import build_calendar
from tsconv.data.panel.covariate_grid import ColumnCode, Covariates, Static
from tsconv.data.panel.panel import Panel
from tsconv.data.panel.ragged import head_mask, series_blocks
from tsconv.data.reading.names import boolean_key
from tsconv.data.timestamps.zones import to_local
from tsconv.errors import DataError, nearest
from tsconv.notes import Note, NoteKind
from tsconv.text import plural, quote_first

ROLES = ("past", "future", "static")
LIMIT = 10.0  # deviations
_CELLS_AT_ONCE = 1 << 21  # of a column: 16 MB


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
        for f, name in enumerate(covariates.names):
            role = "past" if f < covariates.n_past else "future"
            categories = covariates.categories.get(name)
            found.append(_fit(name, role, _training_cells(covariates, f, train_end), categories))
    if static is not None:
        part = static.values[train_end > 0]
        for k, name in enumerate(static.names):
            cells = functools.partial(_once, part[:, k])
            found.append(_fit(name, "static", cells, static.categories.get(name)))
    return tuple(e for e in found if e.categories != ())


Cells = Callable[[], Iterator[Tensor]]  # goes over the cells of a column, as often as it is called


def _once(cells: Tensor) -> Iterator[Tensor]:
    yield cells


def _training_cells(covariates: Covariates, column: int, train_end: Tensor) -> Cells:
    """The cells of a column in each series' first `train_end` steps, in blocks."""

    n_rows = covariates.values.shape[2]

    def cells() -> Iterator[Tensor]:
        for series, steps, local in series_blocks(covariates.indptr, n_rows, _CELLS_AT_ONCE):
            yield covariates.values[steps, column][head_mask(local, train_end[series])]

    return cells


def _fit(name: str, role: str, cells: Cells, categories: tuple[str, ...] | None) -> Encoding:
    """The encoding of one column's training cells, NaN where missing."""
    if categories is not None:
        numbers = {int(i) for part in cells() for i in np.unique(part[~part.isnan()].numpy())}
        present = sorted(categories[i] for i in numbers)
        alike = {boolean_key(category): category for category in reversed(present)}
        return Encoding(name, role, categories=tuple(sorted(alike.values())))
    count, mean, std = _moments(cells)
    if count == 0:
        return Encoding(name, role, 0.0, 0.0)
    trained = None
    if std > 0:
        columns = functools.partial(map, lambda part: part.numpy().reshape(-1, 1))
        (trained,) = TrainingRange.of_columns(lambda: columns(cells()), 1)
    return Encoding(name, role, mean, std, training_range=trained)


def _moments(cells: Cells) -> tuple[int, float, float]:
    """How many cells are observed, their mean, and their deviation: exactly 0 for a constant."""
    parts = cells()
    part, more = next(parts), next(parts, None) is not None
    seen = part[~part.isnan()]
    if not more:  # one block holds all
        if len(seen) == 0:
            return 0, 0.0, 0.0
        return len(seen), float(seen.mean()), float((seen - seen[0]).std(correction=0))
    count, total, first = 0, 0.0, None
    for part in cells():
        seen = part[~part.isnan()]
        if len(seen):
            first = seen[0].clone() if first is None else first
            count, total = count + len(seen), total + float((seen - first).sum())
    if first is None:
        return 0, 0.0, 0.0
    shift, square = total / count, 0.0
    for part in cells():
        seen = part[~part.isnan()]
        square += float((seen - first).sub_(shift).square_().sum())
    return count, float(first) + shift, math.sqrt(square / count)


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
        codes, step_notes = _codes(covariates, by_step)
        fixed_codes, static_notes = _codes(static, by_role["static"])
    except DataError as error:
        raise DataError(f"{source}: {error}") from error
    if covariates is not None:
        names, n_past = tuple(e.name for e in by_step), len(by_role["past"])
        encoded = dataclasses.replace(
            covariates, names=names, categories={}, n_past=n_past, codes=codes
        )
        covariates = encoded.in_memory() if mapped_file(covariates.values) is None else encoded
        covariates = covariates if codes else None
    fixed = None
    if static is not None and fixed_codes:
        fixed = torch.stack([code(static.values[:, code.column]) for code in fixed_codes], dim=1)
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


def _codes(
    part: Covariates | Static | None, wanted: Sequence[Encoding]
) -> tuple[tuple[ColumnCode, ...], list[Note]]:
    """How each wanted column is encoded; and notes on them."""
    names = () if part is None else part.names
    codes: list[ColumnCode] = []
    notes: list[Note] = []
    for encoding in wanted:
        if part is None or encoding.name not in names:
            raise DataError(
                f"the {encoding.role} covariate `{encoding.name}` of the training is missing: add "
                f"the "
                f"column, and name it in `data.{encoding.role}_covariates`"
            )
        column = names.index(encoding.name)
        categories = part.categories.get(encoding.name)
        if (categories is None) != (encoding.categories is None):
            was, now = ("numbers", "categories") if categories else ("categories", "numbers")
            raise DataError(
                f"covariate `{encoding.name}` holds {now}, but held {was} in training: "
                f"see `data.categories`"
            )
        if encoding.categories is None or categories is None:
            inv_std = 1 / encoding.std if encoding.std > 0 else 0
            codes.append(ColumnCode(column, encoding.mean, inv_std, LIMIT))
            notes += _clipped_notes(part.values, codes[-1], encoding.name)
        else:
            number = {boolean_key(name): i + 1 for i, name in enumerate(encoding.categories)}
            known = [float(number.get(boolean_key(name), 0)) for name in categories]
            codes.append(ColumnCode(column, numbers=torch.tensor(known or [0.0])))
            notes += _unknown_notes(categories, number, encoding.name)
    return tuple(codes), notes


def _clipped_notes(values: Tensor, code: ColumnCode, name: str) -> list[Note]:
    """A note where numbers lie beyond the limit: the training shows nothing further out.

    An effect must not grow without bound there. values: (M, F, H).
    """
    count, worst, distance = 0, 0.0, -1.0
    for begin in range(0, len(values), _CELLS_AT_ONCE):
        cells = values[begin : begin + _CELLS_AT_ONCE, code.column].flatten()
        far = code.scaled(cells).abs_().nan_to_num_(0)
        count += int((far > LIMIT).sum())
        at = int(far.argmax()) if len(far) else 0
        if len(far) and float(far[at]) > distance:
            worst, distance = float(cells[at]), float(far[at])
    if count == 0:
        return []
    text = (
        f"covariate `{name}`: {plural(count, 'value')} such as {worst:g} lie more "
        f"than {LIMIT:g} standard deviations from the training mean: clipped to that"
    )
    return [Note(NoteKind.CLIPPED_COVARIATE, text, (name,))]


def _unknown_notes(categories: Sequence[str], number: Mapping[str, int], name: str) -> list[Note]:
    """A note on categories that the training did not have: their number is 0."""
    unknown = [category for category in categories if boolean_key(category) not in number]
    if not unknown:
        return []
    listed = quote_first(unknown[:3], len(unknown))
    text = (
        f"covariate `{name}`: {listed} did not occur in training "
        f"({plural(len(unknown), 'such category', 'such categories')}): treated as "
        f"unknown{nearest(unknown[0], number)}"
    )
    return [Note(NoteKind.UNKNOWN_CATEGORIES, text, (name,))]


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
