"""From the parts of a panel to the whole: what the in-memory way would have made, to the last bit.

Series and categories stand in the order in which the data have them, whichever part they are in.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from tsconv.data.cache.parts import FirstRecords, Part, PartFiles, Translation, joined, reorder
from tsconv.data.panel.covariate_grid import Covariates, Static
from tsconv.data.panel.panel import Panel
from tsconv.data.panel.ragged import indptr_of
from tsconv.data.reading.id_columns import IdColumns
from tsconv.data.reading.names import boolean_key, near_equal_notes
from tsconv.data.timestamps.frequency import Steps
from tsconv.errors import DataError
from tsconv.notes import Note, NoteKind

Categories = dict[str, tuple[str, ...]]


def merge_parts(parts: Sequence[Part], files: PartFiles, values: Path, covariates: Path) -> Panel:
    """Write the values and covariates of all parts in the order of the data; the panel without.

    values, covariates: the files to write; the panel's tensors of that name are empty. Raises
    DataError for parts of different frequencies, OSError where a file cannot be written.
    """
    _require_alike(parts)
    first = parts[0].panel
    position = np.concatenate([part.position for part in parts])
    order = np.argsort(position, kind="stable")
    part_of = np.repeat(np.arange(len(parts)), [len(part.position) for part in parts])[order]
    lengths = np.concatenate([part.lengths for part in parts])
    begins = indptr_of(lengths)[:-1]
    reorder(files.values, values, first.values.shape[1:], begins[order], lengths[order])
    found = _all_categories([part.categories for part in parts])
    ids = [name for part in parts for name in part.panel.ids]
    merged = dataclasses.replace(
        first,
        indptr=torch.from_numpy(indptr_of(lengths[order])),
        offset=joined([part.panel.offset for part in parts], order),
        present=joined([part.panel.present for part in parts], order),
        start=np.concatenate([part.panel.start for part in parts])[order],
        ids=tuple(ids[s] for s in order),
        id_columns=_joined_id_columns([part.panel.id_columns for part in parts], order),
        static=_joined_static(parts, order, part_of, found),
        covariates=_joined_covariates(parts, files, covariates, order, part_of, found),
    )
    return dataclasses.replace(merged, notes=_joined_notes(parts, merged))


def _require_alike(parts: Sequence[Part]) -> None:
    """Raise DataError unless all parts were read in one way."""
    first = parts[0].panel
    for part in parts[1:]:
        panel = part.panel
        ours, theirs = first.frequency.alias, panel.frequency.alias
        if first.frequency != panel.frequency:
            raise DataError(
                f"series `{first.ids[0]}` and others come in steps of {ours}, `{panel.ids[0]}` and "
                f"others in steps of {theirs}: give series one frequency (a file each), or set "
                f"`data.freq=`"
            )
        if (first.time_zone, first.wall_clock, first.start.dtype) != (
            panel.time_zone, panel.wall_clock, panel.start.dtype,
        ):  # fmt: skip
            raise DataError(
                f"the times of series `{first.ids[0]}` and of `{panel.ids[0]}` are written in "
                f"different ways: set `data.time_format` or `data.timezone`"
            )


def _all_categories(parts: Sequence[FirstRecords]) -> Categories:
    """The categories of each column in the order in which the data have them, the empty one last.

    `TRUE` and `true` are one, spelt as the first of them.

    >>> _all_categories([{"sky": {"rain": 7, "": 9}}, {"sky": {"fair": 2, "rain": 3}}])
    {'sky': ('fair', 'rain', '')}
    """
    out: Categories = {}
    for name in dict.fromkeys(name for part in parts for name in part):
        seen = [item for part in parts for item in part.get(name, {}).items()]
        spelt: dict[str, str] = {}
        for category, _ in sorted(seen, key=lambda item: (item[0] == "", item[1])):
            spelt.setdefault(boolean_key(category), category)
        out[name] = tuple(spelt.values())
    return out


def _numbers(
    names: Sequence[str], of_parts: Sequence[Categories], whole: Categories
) -> Translation:
    """What each part calls a category -> its number in the whole, for the columns that have any."""
    out: Translation = {}
    for column, name in enumerate(names):
        if name not in whole:
            continue
        number = {boolean_key(category): i for i, category in enumerate(whole[name])}
        longest = max(1, *(len(part.get(name, ())) for part in of_parts))
        out[column] = np.full((len(of_parts), longest), np.nan)
        for p, part in enumerate(of_parts):
            found = [number[boolean_key(category)] for category in part.get(name, ())]
            out[column][p, : len(found)] = found
    return out


def _joined_covariates(
    parts: Sequence[Part],
    files: PartFiles,
    target: Path,
    order: Steps,
    part_of: Steps,
    whole: Categories,
) -> Covariates | None:
    first = parts[0].panel.covariates
    if first is None:
        return None
    reach = np.concatenate([part.reach for part in parts])
    begins = indptr_of(reach)[:-1]
    of_parts = [p.panel.covariates.categories for p in parts if p.panel.covariates is not None]
    numbers = _numbers(first.names, of_parts, whole)
    shape = first.values.shape[1:]
    reorder(files.covariates, target, shape, begins[order], reach[order], numbers, part_of)
    return dataclasses.replace(
        first,
        indptr=torch.from_numpy(indptr_of(reach[order])),
        categories={name: whole[name] for name in first.categories},
    )


def _joined_static(
    parts: Sequence[Part], order: Steps, part_of: Steps, whole: Categories
) -> Static | None:
    found = [part.panel.static for part in parts if part.panel.static is not None]
    if not found:
        return None
    values = joined([static.values for static in found], order)
    numbers = _numbers(found[0].names, [static.categories for static in found], whole)
    for column, number in numbers.items():
        codes = values[:, column].numpy()
        seen = ~np.isnan(codes)
        named = number[part_of[:, None], np.where(seen, codes, 0).astype("int64")]
        values[:, column] = torch.from_numpy(np.where(seen, named, np.nan))
    categories = {name: whole[name] for name in found[0].categories}
    return dataclasses.replace(found[0], values=values, categories=categories)


def _joined_id_columns(parts: Sequence[IdColumns], order: Steps) -> IdColumns:
    columns = zip(*(part.values for part in parts), strict=True)
    values = tuple(pd.concat(list(column), ignore_index=True) for column in columns)
    return IdColumns(parts[0].names, values).take(order)


def _joined_notes(parts: Sequence[Part], merged: Panel) -> tuple[Note, ...]:
    """The notes of all parts, one of each kind and columns; those of names are of all of them."""
    first: dict[tuple[NoteKind, tuple[str, ...]], Note] = {}
    more: dict[tuple[NoteKind, tuple[str, ...]], int] = {}
    by_column = {NoteKind.BAD_CELLS, NoteKind.SENTINEL_VALUES}
    for note in (note for part in parts for note in part.panel.notes):
        if note.kind == NoteKind.NEAR_EQUAL_NAMES:
            continue
        key = (note.kind, note.names if note.kind in by_column else ())
        if str(first.setdefault(key, note)) != str(note):
            more[key] = more.get(key, 0) + 1
    notes = [*near_equal_notes(merged.ids, "id"), *near_equal_notes(merged.rows, "row")]
    for kept, note in first.items():
        beside = f" (and the like in {more[kept]} of {len(parts)} parts)" if kept in more else ""
        notes.append(dataclasses.replace(note, text=note.text + beside))
    return tuple(notes)
