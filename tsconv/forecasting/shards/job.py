"""One shard's forecast: from its lines to a part and the manifest beside it."""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet

from tsconv.atomic_write import replace_file
from tsconv.calibration.value_range import ValueRange
from tsconv.config.schema import DataConfig, ForecastConfig
from tsconv.data.panel.panel import Panel
from tsconv.data.reading.id_columns import SINGLE_SERIES
from tsconv.data.reading.roles import as_list
from tsconv.data.reading.shards.shard import shard_of, shards_of
from tsconv.data.reading.shards.shard_table import Shards, ShardTable
from tsconv.data.reading.table import Table, take_lines
from tsconv.data.write import CsvStyle, escaped, text_table, write_text_table
from tsconv.errors import ConfigError
from tsconv.forecasting.bundles.bundle import Bundle
from tsconv.forecasting.file_columns import columns_of_file
from tsconv.forecasting.forecast import Forecast, forecast_panel, skipped_note
from tsconv.forecasting.frame import forecast_frame
from tsconv.forecasting.intervals.calibrators import bundle_calibrator
from tsconv.forecasting.intervals.limit_notes import limit_notes
from tsconv.forecasting.intervals.wanted import wanted_of
from tsconv.forecasting.match import prepare_forecast, training_row_index
from tsconv.forecasting.select import (
    OutsideError,
    cut_table,
    keep_ids,
    keep_series,
    require_start,
)
from tsconv.forecasting.shards.parts import Manifest, crc32_of, manifest_path, part_path
from tsconv.notes import Note

_ROW_GROUP = 1 << 15  # lines: merging holds a group of each part at once
_EMPTY = np.zeros(0, dtype="int64")


@dataclasses.dataclass(frozen=True)
class Job:
    """What the shards of one forecast have in common."""

    config: ForecastConfig
    data: DataConfig  # the roles of the bundle with those of the config in their place
    bundle: Bundle  # its network on the device
    horizon: int
    shards: int
    inputs: dict[str, Any]

    def part(self, shard: int) -> Path:
        """Where a shard's forecasts are written."""
        return part_path(Path(self.config.output), shard, self.shards)

    def is_done(self, shard: int) -> bool:
        """Whether the shard's part is there, and made from the same inputs."""
        part = self.part(shard)
        manifest = Manifest.read(manifest_path(part))
        return (
            manifest is not None
            and manifest.inputs == self.inputs
            and part.is_file()
            and part.stat().st_size == manifest.bytes
        )


@dataclasses.dataclass(frozen=True)
class PartResult:
    """What became of a shard."""

    shard: int
    series: int  # with a forecast
    left_out: int  # without one
    notes: tuple[Note, ...]
    seconds: dict[str, float]  # table (checks and grid), network, writing


def forecast_part(job: Job, lines: Shards, future: Shards | None, shard: int) -> PartResult:
    """Forecast the series of a shard, and write its part and manifest.

    lines, future: the shards of `data.path` and `data.future_path`. A shard without a series, or
    with none that can be forecast, has a part without lines. Raises TsconvError as `run_forecast`
    does.
    """
    clock = _Clock()
    found = lines.table(shard)
    assert found is not None  # the first lines of the data come with every shard
    columns = None
    output = Path(job.config.output)
    if job.config.columns == "file":
        columns = columns_of_file(found.table, job.data, output.suffix == ".csv")
    table, fault = _own_lines(job, found, shard)
    count = 0 if table is None else len(table.ids)
    made: tuple[Panel, Forecast] | None = None
    limits: ValueRange | None = None
    if table is not None and fault is not None:
        table = fault.rest
    if table is not None:
        extra = _own_future(future, table, shard)
        panel, origins = prepare_forecast(
            job.bundle,
            table,
            extra,
            job.config.data.get("freq"),
            job.data.allow_shift,
            job.horizon,
        )
        if job.config.start is not None:
            try:
                require_start(job.config.start, table, job.data, panel, origins.numpy())
            except OutsideError as error:
                fault = error
        del extra, table
        clock.lap("table")
        row_index = training_row_index(job.bundle, panel)
        wanted = wanted_of(
            job.config.levels, job.config.conformal, job.config.point, job.config.components
        )
        given = tuple(job.config.data)
        wanted = dataclasses.replace(wanted, roles=job.data, given=given)
        calibrator = bundle_calibrator(job.bundle, panel, wanted)
        net, batch_size = job.bundle.net, job.config.batch_size
        forecast = forecast_panel(
            net, panel, batch_size, origins, row_index, calibrator=calibrator
        ).head(job.horizon)
        made, limits = (panel, forecast), calibrator.value_range
        clock.lap("network")
    frame, position, per_series = None, _EMPTY, _EMPTY
    if made is not None and len(made[1].series):
        panel, forecast = made
        frame = forecast_frame(forecast, panel, columns, found.decimals, limits)
        number = dict(zip(found.table.ids, found.position.tolist(), strict=True))
        ids = (panel.ids[s] for s in forecast.series.tolist())
        position = np.array([number[name] for name in ids], dtype="int64")
        per_series = forecast.has_forecast.flatten(1).sum(1).numpy() * job.horizon
    size, crc32, schema, style = _write_part(frame, job.part(shard), job.config.escape_formulas)
    Manifest(
        job.inputs,
        size,
        crc32,
        count,
        position,
        per_series,
        schema,
        style,
        None if fault is None else str(fault),
    ).write(manifest_path(job.part(shard)))
    clock.lap("writing")
    notes = [] if made is None else [*made[0].notes]
    skipped = made and skipped_note(made[1], job.bundle.net.spec.context_length)
    notes += [skipped] if skipped else []
    notes += [] if made is None else limit_notes(made[1], made[0], limits, job.data)
    series = len(position)
    return PartResult(shard, series, count - series, tuple(notes), clock.seconds)


class _Clock:
    """Seconds by what they were spent on."""

    def __init__(self) -> None:
        self.seconds = dict.fromkeys(("table", "network", "writing"), 0.0)
        self._last = time.perf_counter()

    def lap(self, name: str) -> None:
        now = time.perf_counter()
        self.seconds[name] += now - self._last
        self._last = now


def _own_lines(job: Job, found: ShardTable, shard: int) -> tuple[Table | None, OutsideError | None]:
    """The lines of the shard's series that the config asks for, None for none.

    With the error of a `start` or `last` that none of them reaches; its `rest` takes their place.
    """
    config = job.config
    mine = shards_of(found.table.ids, job.shards) == shard
    if not mine.any():
        wanted = [] if config.series is None else _names(config.series)
        if any(shard_of(name, job.shards) == shard for name in wanted):
            keep_series(found.table, config.series)  # names the id that is not there
        return None, None
    table = take_lines(found.table, mine[found.table.codes])
    if config.series is not None:
        wanted = [n for n in _names(config.series) if shard_of(n, job.shards) == shard]
        if not wanted:
            return None, None
        table = keep_series(table, wanted)
    try:
        if config.start is not None or config.last is not None:
            table = cut_table(table, job.data, config.start, config.last)
    except OutsideError as error:
        return table, error
    return table, None


def _names(series: Any) -> list[str]:
    names = as_list(series, "series")
    if not names:
        raise ConfigError("`series` is empty: name a series, or leave the key out")
    return names


def _own_future(future: Shards | None, table: Table, shard: int) -> Table | None:
    """The lines of the future file that are of the table's series, None for none."""
    found = None if future is None else future.table(shard)
    if found is None:
        return None
    extra = found.table
    if extra.ids != (SINGLE_SERIES,) and not set(extra.ids) & set(table.ids):
        return None
    return keep_ids(extra, table.ids)


def _write_part(
    frame: pd.DataFrame | None, part: Path, escape_formulas: bool
) -> tuple[int, int, pa.Schema | None, CsvStyle]:
    """Write a part whole or not at all: its size, its CRC-32, its columns and its style."""
    manifest_path(part).unlink(missing_ok=True)  # of an earlier part
    style, schema = CsvStyle(), None
    lines = pd.DataFrame({"tsconv": np.zeros(0)}) if frame is None else frame
    with replace_file(part) as temporary:
        if part.suffix == ".csv":
            table, style = text_table(escaped(lines) if escape_formulas else lines)
            write_text_table(table, style, temporary)
            schema = table.schema
        else:
            lines.to_parquet(temporary, index=False, row_group_size=_ROW_GROUP)
            schema = pa.parquet.read_schema(temporary)
        crc32 = crc32_of(temporary)
    return part.stat().st_size, crc32, None if frame is None else schema, style
