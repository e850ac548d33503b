"""Match a file with a bundle: its frequency, and each channel and row by its name.

What does not fit by name is refused or noted, never exchanged in silence.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from tsconv.config.schema import DataConfig
from tsconv.data.bounds import AUTO, read_bound, require_order
from tsconv.data.counts import require_counts
from tsconv.data.covariates.encode import encode, with_calendar
from tsconv.data.covariates.future import require_future
from tsconv.data.covariates.shift import reject_shift
from tsconv.data.covariates.target_shift import target_shift_notes
from tsconv.data.panel.find_frequency import commonest_frequency
from tsconv.data.panel.format_time import format_zoned_time
from tsconv.data.panel.panel import Panel, build_panel
from tsconv.data.reading.future_file import with_future
from tsconv.data.reading.roles import as_list, with_delays
from tsconv.data.reading.table import Table
from tsconv.errors import ConfigError, DataError, require_choice, require_positive
from tsconv.forecasting.bundles.bundle import Bundle
from tsconv.forecasting.match_series import match_series, series_index
from tsconv.model.spec import NetSpec
from tsconv.notes import Note, NoteKind
from tsconv.text import plural, shorten

_ROW_KEYS = ("row", "row_from_file", "wide_columns_are")  # where row names come from: one of them

# Where one is given, the other of the training does not hold.
_EXCLUSIVE = (
    ("id", "id_from_file"), ("id_from_file", "id"),
    ("target", "target_position"), ("target_position", "target"),
)  # fmt: skip


def override_roles(data: DataConfig, given: dict[str, Any]) -> DataConfig:
    """The roles of the training, with the given ones in place of those that they exclude.

    given: keys of the config's group `data` and their values. Raises ConfigError for a key that
    does not exist, for a past covariate with another delay than in the training, and for a bound
    that is none.

    >>> trained = DataConfig(row="station", target="no2")
    >>> roles = override_roles(trained, {"wide_columns_are": "rows"})
    >>> roles.target, roles.row  # rows have one source
    ('no2', None)
    """
    keys = [field.name for field in dataclasses.fields(data)]
    for key in given:
        require_choice("data", key, keys)
    if any(given.get(key) is not None for key in _ROW_KEYS):
        given = dict.fromkeys(_ROW_KEYS) | given
    for key, other in _EXCLUSIVE:
        if given.get(key) is not None and other not in given:
            given = given | {other: None}
    if given.get("past_covariates") is not None:
        given = given | {"past_covariates": _keep_delays(given["past_covariates"], data)}
    if given.get("row") is not None and "id" not in given:
        ids = as_list(data.id, "data.id")
        if given["row"] in ids:
            given = given | {"id": [name for name in ids if name != given["row"]] or None}
    return _with_bounds(dataclasses.replace(data, **given), data)


def _with_bounds(data: DataConfig, trained: DataConfig) -> DataConfig:
    """The roles with bounds that were read; `auto` is the bound of the training."""
    lower, upper = (
        read_bound(key, getattr(trained if getattr(data, key) == AUTO else data, key))
        for key in ("lower", "upper")
    )
    require_order(lower, upper)
    return dataclasses.replace(data, lower=lower, upper=upper)


def _keep_delays(given: Any, data: DataConfig) -> list[dict[str, Any]]:
    """Past covariates under other names, each with the delay of the one that it replaces."""
    names, delays = with_delays(given)
    trained = dict(zip(*with_delays(data.past_covariates), strict=True))
    replaced = [delay for name, delay in trained.items() if name not in names]
    out = []
    for name, delay in zip(names, delays, strict=True):
        expected = trained[name] if name in trained else replaced.pop(0) if replaced else 0
        if delay not in (0, expected):
            raise ConfigError(
                f"`data.past_covariates`: `{name}` has delay {delay}, but had {expected} in "
                f"training"
            )
        out.append({"name": name, "delay": expected})
    return out


def prepare_forecast(
    bundle: Bundle,
    table: Table,
    future: Table | None = None,
    freq: str | None = None,
    allow_shift: bool = False,
    horizon: int | None = None,
) -> tuple[Panel, torch.Tensor]:
    """Build the panel that the bundle's network forecasts, and find each series' origin.

    future: a second table, with the future covariates of the steps to forecast. freq: in place of
    the bundle's. allow_shift: take covariates that lie far outside those of the training. horizon:
    steps to forecast, fewer than the bundle's.

    Returns the panel, encoded, and (S,) the step that each series is forecast from, -1 for none.
    Raises DataError as `match_panel` does, where covariates of the steps to forecast are missing,
    and where some are in another unit.
    """
    if future is not None:
        table = with_future(table, future)
    spec = bundle.net.spec
    horizon = horizon or spec.horizon
    if not allow_shift:
        reject_shift(table, bundle.encodings, horizon)
    panel = match_panel(bundle, table, freq)
    origins, notes = require_future(panel, bundle.encodings, horizon, spec.context_length)
    notes += _early_notes(panel, horizon)
    notes += target_shift_notes(panel, bundle.target_ranges, spec.context_length)
    return encode_panel(bundle, panel.with_notes(notes), table.source), origins


def require_horizon(bundle: Bundle, horizon: int | None) -> int:
    """The steps to forecast: `horizon`, or what the bundle has; raises ConfigError for more."""
    most = bundle.net.spec.horizon
    if horizon is None:
        return most
    require_positive(horizon=horizon)
    if horizon > most:
        raise ConfigError(
            f"`horizon` (={horizon}) is longer than the bundle forecasts ({most} steps): train "
            f"with `tsconv train ... horizon={horizon}`"
        )
    return horizon


def _early_notes(panel: Panel, horizon: int) -> list[Note]:
    """A note on series that ended more than `horizon` steps before the last of all."""
    steps = panel.lengths.cpu().numpy() - 1
    ends = panel.frequency.advance(panel.start, steps)
    early = np.flatnonzero(panel.frequency.advance(panel.start, steps + horizon) < ends.max())
    if len(early) == 0:
        return []

    def show(s: int) -> str:
        return format_zoned_time(ends[s : s + 1], panel)

    first = tuple(panel.ids[s] for s in early[:3])
    listed = ", ".join(f"`{panel.ids[s]}` at {show(s)}" for s in early[:3])
    many = "1 series ends" if len(early) == 1 else f"{len(early):,} series end"
    text = (
        f"{many} more than one horizon before the last time, {show(int(ends.argmax()))}, and "
        f"{'is' if len(early) == 1 else 'are'} forecast from "
        f"{'its' if len(early) == 1 else 'their'} own end: {listed}"
        f"{', ...' if len(early) > 3 else ''}"
    )
    return [Note(NoteKind.SERIES_ENDED_EARLY, text, first)]


def encode_panel(bundle: Bundle, panel: Panel, source: str = "the data") -> Panel:
    """Encode the panel's covariates as the bundle's network takes them, and add its calendar.

    source: the name of the file, for messages. A bundle of counts takes values without an offset;
    raises DataError where they are no counts.
    """
    spec = bundle.net.spec
    if bundle.net.whole:
        require_counts(panel, source, str(spec.head))
        panel = panel.without_offset()
    return with_calendar(encode(panel, bundle.encodings, source), spec.calendar, spec.horizon)


def match_panel(bundle: Bundle, table: Table, freq: str | None = None) -> Panel:
    """Lay the table on the bundle's frequency, channels and rows in the bundle's order.

    Covariates stay as the file has them, see `encode_panel`. Rows of the training that the file
    lacks are left out, and the notes say so; rows never seen come last. Raises DataError where the
    file's frequency, channels, rows or series do not fit the bundle.
    """
    panel = build_panel(table, freq or bundle.freq)
    found = None if freq else commonest_frequency(table)
    frequency = panel.frequency
    if found is not None and (
        (found.kind == frequency.kind and found.size > frequency.size)
        or (found.kind, frequency.kind) == ("month", "fixed")
    ):
        raise DataError(
            f"{table.source}: its steps are {found.alias}, but the bundle forecasts steps of "
            f"{frequency.alias}; set `data.freq={frequency.alias}` if most steps really are missing"
        )
    panel = _match_channels(bundle, panel, table.source)
    panel = _match_rows(bundle, panel, table.source)
    panel = match_series(bundle, panel, table.source)
    return panel.with_notes(_forecast_notes(panel))


def training_row_index(bundle: Bundle, panel: Panel) -> torch.Tensor | None:
    """(H,) the number of each of the panel's rows in the training, -1 for a row never seen.

    None where the panel has the rows of the training, all of them and in order. Where the network
    differs by series, (S,) the numbers of the series, see `series_index`.
    """
    if bundle.series:
        return series_index(bundle, panel)
    if panel.rows == bundle.rows:
        return None
    numbers = {name: h for h, name in enumerate(bundle.rows)}
    return torch.tensor([numbers.get(name, -1) for name in panel.rows])


def _match_channels(bundle: Bundle, panel: Panel, source: str) -> Panel:
    """Put every channel where the bundle has its name, one under a new name where one is free."""
    n_past = bundle.net.spec.n_past
    trained = bundle.channels or panel.channels
    n_targets, found_targets = len(trained) - n_past, len(panel.targets)
    if (found_targets, panel.n_past) != (n_targets, n_past):
        raise DataError(
            f"{source}: {found_targets} targets and {panel.n_past} past covariates "
            f"({', '.join(panel.channels)}), but the bundle takes {n_targets} and {n_past} "
            f"({', '.join(trained)}); add an empty column for a past covariate that is not known"
        )
    found, found_past = panel.channels[:n_targets], panel.channels[n_targets:]
    targets, notes = _channel_order(found, trained[:n_targets], "target", source)
    past, past_notes = _channel_order(found_past, trained[n_targets:], "past covariate", source)
    order = [*targets, *(n_targets + c for c in past)]
    if order != list(range(len(order))):
        panel = panel.with_channels(order)
    return panel.with_notes((*notes, *past_notes))


def _channel_order(
    names: Sequence[str], trained: Sequence[str], role: str, source: str
) -> tuple[list[int], list[Note]]:
    """For each of the bundle's channels the position of the file's that replaces it, and notes.

    Raises DataError where new names could stand for several of the bundle's.
    """
    free = [name for name in trained if name not in names]
    new = [name for name in names if name not in trained]
    if len(new) > 1 and len(new) < len(names):
        raise DataError(
            f"{source}: {role}s {', '.join(new)} are not among the bundle's "
            f"({', '.join(trained)}), and it is unclear which replaces which: rename them"
        )
    replacement = dict(zip(free, new, strict=True))  # in order, where all names are new
    notes = []
    for old, name in replacement.items():
        text = f"`{name}` is used as the {role} `{old}` of the training"
        notes.append(Note(NoteKind.RENAMED_CHANNEL, text, (name, old)))
    return [list(names).index(replacement.get(name, name)) for name in trained], notes


def _match_rows(bundle: Bundle, panel: Panel, source: str) -> Panel:
    """The bundle's rows that the file has, in the bundle's order, then the file's new ones."""
    if bool(bundle.rows) != bool(panel.rows):
        have, lack = (
            ("has", "but the file has none") if bundle.rows else ("has no", "but the file has")
        )
        raise DataError(f"{source}: the bundle {have} rows, {lack}: see `data.row`")
    if panel.rows == bundle.rows:
        return panel
    spec = bundle.net.spec
    unseen = [name for name in panel.rows if name not in bundle.rows]
    if unseen:
        _require_row_sharing(spec, unseen, source)
    absent = [name for name in bundle.rows if name not in panel.rows]
    kept = [name for name in bundle.rows if name in panel.rows or spec.cross_row == "dense"]
    notes = []
    if absent:
        text = f"rows of the training that the file does not have: {shorten(absent, 5)}"
        notes.append(Note(NoteKind.ABSENT_ROWS, text, tuple(absent)))
    if unseen:
        text = (
            f"rows that were not in the training data, forecast by what all rows share: "
            f"{shorten(unseen, 5)}"
        )
        notes.append(Note(NoteKind.UNSEEN_ROWS, text, tuple(unseen)))
    return panel.with_rows([*kept, *unseen]).with_notes(notes)


def _require_row_sharing(spec: NetSpec, unseen: Sequence[str], source: str) -> None:
    """Raise DataError where the network has nothing to forecast an unseen row with."""
    instead = {"model.rows": ("separate", "pooled"), "model.cross_row": ("dense", "mean")}
    wrong = {k: v for k, v in instead.items() if getattr(spec, k.removeprefix("model.")) == v[0]}
    if wrong:
        is_set = " and ".join(f"`{key}={value}`" for key, (value, _) in wrong.items())
        better = " ".join(f"{key}={value}" for key, (_, value) in wrong.items())
        raise DataError(
            f"{source}: row `{unseen[0]}` was not in the training data "
            f"({plural(len(unseen), 'such row')}), "
            f"and {is_set} cannot forecast it; train with `{better}`"
        )


def _forecast_notes(panel: Panel) -> list[Note]:
    """What a reader of the forecasts would want to know of the file they were made from."""
    notes = []
    for c in panel.empty_channels():
        lost = "it is not forecast" if c < len(panel.targets) else "forecasts are made without it"
        name = panel.channels[c]
        text = f"`{name}` has no values: {lost}"
        notes.append(Note(NoteKind.EMPTY_CHANNEL, text, (name,)))
    late = panel.lagging_rows() if panel.rows else []
    if late:
        text = (
            "rows that end before the others, and are forecast from the last time of all: "
            f"{shorten(late, 5)}"
        )
        notes.append(Note(NoteKind.LAGGING_ROWS, text, tuple(late)))
    return notes
