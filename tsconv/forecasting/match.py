"""A file beside a bundle: the bundle's frequency, its channels and rows in their places.

Whatever does not fit by name is refused or said, never swapped in silence.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import torch

from tsconv.config.schema import DataConfig
from tsconv.data.covariates.encode import encode, with_calendar
from tsconv.data.covariates.future import require_future
from tsconv.data.panel.grid import commonest_step
from tsconv.data.panel.panel import Panel, build_panel
from tsconv.data.reading.future_file import with_future
from tsconv.data.reading.roles import with_delays
from tsconv.data.reading.table import Table
from tsconv.errors import ConfigError, DataError, require_choice
from tsconv.forecasting.bundle import Bundle
from tsconv.notes import Note, NoteKind

_ROW_KEYS = ("row", "row_from_file", "wide_columns_are")  # ways to tell rows, of which one holds


def with_overrides(data: DataConfig, given: dict[str, Any]) -> DataConfig:
    """The roles of the training, less those that the given ones take the place of."""
    known = [field.name for field in dataclasses.fields(data)]
    for key in given:
        require_choice("data", key, known)
    if any(given.get(key) is not None for key in _ROW_KEYS):
        given = dict.fromkeys(_ROW_KEYS) | given
    if given.get("past_covariates") is not None:
        given = given | {"past_covariates": _with_our_delays(given["past_covariates"], data)}
    if given.get("row") is not None and given["row"] == data.id and "id" not in given:
        given = given | {"id": None}
    return dataclasses.replace(data, **given)


def _with_our_delays(given: Any, data: DataConfig) -> list[dict[str, Any]]:
    """Past covariates under other names, released as late as those whose place they take."""
    names, delays = with_delays(given)
    ours = dict(zip(*with_delays(data.past_covariates), strict=True))
    free = [delay for name, delay in ours.items() if name not in names]
    out = []
    for name, delay in zip(names, delays, strict=True):
        learnt = ours[name] if name in ours else free.pop(0) if free else 0
        if delay not in (0, learnt):
            raise ConfigError(
                f"`data.past_covariates`: `{name}` has delay {delay}, and the training {learnt}"
            )
        out.append({"name": name, "delay": learnt})
    return out


def ready_panel(
    bundle: Bundle, table: Table, extra: Table | None = None, freq: str | None = None
) -> tuple[Panel, torch.Tensor]:
    """All that a forecast needs of a table, and of a second one with the future covariates.

    Returns the panel and the step that each series is forecast from: (S,), -1 for none. Raises
    DataError as `panel_for` does, and where covariates of the steps to forecast are missing.
    """
    if extra is not None:
        table = with_future(table, extra)
    panel = panel_for(bundle, table, freq)
    spec = bundle.net.spec
    origins, notes = require_future(panel, bundle.encodings, spec.horizon, spec.context_length)
    return encoded(bundle, panel.with_notes(notes), table.source), origins


def encoded(bundle: Bundle, panel: Panel, source: str = "the data") -> Panel:
    """The panel with its covariates as the bundle's network takes them, and its calendar."""
    spec = bundle.net.spec
    return with_calendar(encode(panel, bundle.encodings, source), spec.calendar, spec.horizon)


def panel_for(bundle: Bundle, table: Table, freq: str | None = None) -> Panel:
    """The table on the bundle's frequency, its channels and rows in the bundle's order.

    Its covariates are as the file has them, see `encoded`.

    Rows of the training that the file lacks are left out, and said in the notes; rows never seen
    come last. Raises DataError where the file's frequency, channels or rows do not fit the bundle.
    """
    panel = build_panel(table, freq or bundle.freq)
    found = None if freq else commonest_step(table)
    ours = panel.frequency
    if found is not None and (
        (found.kind == ours.kind and found.size > ours.size)
        or (found.kind, ours.kind) == ("month", "fixed")
    ):
        raise DataError(
            f"{table.source}: its steps are {found.alias}, but the bundle forecasts steps of "
            f"{ours.alias}; set `data.freq={ours.alias}` if most rows are missing indeed"
        )
    panel = _with_our_rows(bundle, _with_our_channels(bundle, panel, table.source), table.source)
    return panel.with_notes(_forecast_notes(panel))


def row_numbers(bundle: Bundle, panel: Panel) -> torch.Tensor | None:
    """(H,) the number of each of the panel's rows in the training, -1 for a new one; None: all."""
    if panel.rows == bundle.rows:
        return None
    known = {name: h for h, name in enumerate(bundle.rows)}
    return torch.tensor([known.get(name, -1) for name in panel.rows])


def _with_our_channels(bundle: Bundle, panel: Panel, source: str) -> Panel:
    """Every channel in the place of its name; one under a new name in the place that is free."""
    n_past = bundle.net.spec.n_past
    ours = bundle.channels or panel.channels
    n_targets = len(ours) - n_past
    theirs = len(panel.targets)
    if (theirs, panel.n_past) != (n_targets, n_past):
        raise DataError(
            f"{source}: {theirs} targets and {panel.n_past} past covariates "
            f"({', '.join(panel.channels)}), but the bundle takes {n_targets} and {n_past} "
            f"({', '.join(ours)}); a past covariate that is not known can be an empty column"
        )
    targets, notes = _channel_order(panel.channels[:theirs], ours[:n_targets], "target", source)
    past, past_notes = _channel_order(
        panel.channels[theirs:], ours[n_targets:], "past covariate", source
    )
    order = [*targets, *(theirs + c for c in past)]
    if order != list(range(len(order))):
        panel = panel.with_channels(order)
    return panel.with_notes((*notes, *past_notes))


def _channel_order(
    names: Sequence[str], ours: Sequence[str], what: str, source: str
) -> tuple[list[int], list[Note]]:
    """For each of the bundle's channels the number of the file's that takes its place, and notes.

    Raises DataError where new names could stand for several of the bundle's.
    """
    free = [name for name in ours if name not in names]
    new = [name for name in names if name not in ours]
    if len(new) > 1 and len(new) < len(names):
        raise DataError(
            f"{source}: {what}s {', '.join(new)} are not among the bundle's ({', '.join(ours)}), "
            f"and which takes the place of which cannot be told: rename them"
        )
    stand_in = dict(zip(free, new, strict=True))  # in order, where all names are new
    notes = []
    for old, name in stand_in.items():
        text = f"`{name}` is taken for the {what} `{old}` of the training"
        notes.append(Note(NoteKind.RENAMED_CHANNEL, text, (name, old)))
    return [list(names).index(stand_in.get(name, name)) for name in ours], notes


def _with_our_rows(bundle: Bundle, panel: Panel, source: str) -> Panel:
    """The bundle's rows that the file has, in the bundle's order, then the file's new ones."""
    if bool(bundle.rows) != bool(panel.rows):
        have, lack = ("has", "the file none") if bundle.rows else ("has no", "the file has")
        raise DataError(f"{source}: the bundle {have} rows, {lack}: see `data.row`")
    if panel.rows == bundle.rows:
        return panel
    spec = bundle.net.spec
    unseen = [name for name in panel.rows if name not in bundle.rows]
    fixed = {"model.rows": ("separate", "pooled"), "model.cross_row": ("dense", "mean")}
    wrong = {k: v for k, v in fixed.items() if getattr(spec, k.removeprefix("model.")) == v[0]}
    if unseen and wrong:
        is_set = " and ".join(f"`{key}={value}`" for key, (value, _) in wrong.items())
        better = " ".join(f"{key}={value}" for key, (_, value) in wrong.items())
        raise DataError(
            f"{source}: row `{unseen[0]}` was not there in training ({len(unseen)} such), and "
            f"{is_set} cannot forecast it; train with `{better}`"
        )
    absent = [name for name in bundle.rows if name not in panel.rows]
    kept = [name for name in bundle.rows if name in panel.rows or spec.cross_row == "dense"]
    notes = []
    if absent:
        text = f"not in the file, of the rows of the training: {_listed(absent)}"
        notes.append(Note(NoteKind.ABSENT_ROWS, text, tuple(absent)))
    if unseen:
        text = f"not there in training, forecast by what rows share: {_listed(unseen)}"
        notes.append(Note(NoteKind.UNSEEN_ROWS, text, tuple(unseen)))
    return panel.with_rows([*kept, *unseen]).with_notes(notes)


def _forecast_notes(panel: Panel) -> list[Note]:
    """What a reader of the forecasts would want to know of the file they were made from."""
    notes = []
    for c in panel.empty_channels():
        lost = "no forecast of it" if c < len(panel.targets) else "forecasts are made without it"
        name = panel.channels[c]
        text = f"`{name}` has no value at all: {lost}"
        notes.append(Note(NoteKind.EMPTY_CHANNEL, text, (name,)))
    late = panel.lagging_rows() if panel.rows else []
    if late:
        text = (
            f"rows that end before the last time of their family, from which all are forecast: "
            f"{_listed(late)}"
        )
        notes.append(Note(NoteKind.LAGGING_ROWS, text, tuple(late)))
    return notes


def _listed(names: Sequence[str], most: int = 5) -> str:
    return ", ".join(names[:most]) + (f", ... ({len(names)})" if len(names) > most else "")
