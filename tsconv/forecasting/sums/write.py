"""The files of sums and of sample paths, beside the file of forecasts."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import torch

from tsconv.atomic_write import replace_file
from tsconv.config.schema import ForecastConfig
from tsconv.data.panel.panel import Panel
from tsconv.data.reading.table import Table
from tsconv.data.write import write_table
from tsconv.errors import ConfigError
from tsconv.forecasting.file_columns import FileColumns
from tsconv.forecasting.finite import require_finite
from tsconv.forecasting.frame import forecast_frame
from tsconv.forecasting.outputs import check_free
from tsconv.forecasting.rounding import round_to_data
from tsconv.forecasting.sums.groups import Aggregate
from tsconv.forecasting.sums.paths import SamplePaths
from tsconv.forecasting.sums.tables import SumForm, sum_frames
from tsconv.notes import Note

SAMPLES = 200  # paths of sums, where `samples` does not say how many
_MOST = 100_000


def check_samples(config: ForecastConfig) -> int:
    """The number of sample paths; raises ConfigError where the keys of sums are at fault."""
    for key in ("aggregate", "samples"):
        if getattr(config, key) is not None and config.shards is not None:
            raise ConfigError(
                f"`{key}` and `shards` exclude each other: sums need the paths of all series at "
                f"once: run `tsconv forecast` without shards"
            )
        if getattr(config, key) is not None and config.template is not None:
            raise ConfigError(f"`{key}` and `template` exclude each other: a template is no sum")
    samples, seed = config.samples, config.seed
    wrong = isinstance(samples, bool) or not isinstance(samples, int)
    if samples is not None and (wrong or not 2 <= samples <= _MOST):
        raise ConfigError(f"`samples` (={samples}) must be an integer from 2 to {_MOST:,}")
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 2**63:
        raise ConfigError(f"`seed` (={seed}) must be an integer of at least 0")
    return SAMPLES if samples is None else samples


def sum_files(output: Path, aggregates: Iterable[Aggregate]) -> dict[str, Path]:
    """Where the sums of each aggregate are written, by its name.

    >>> region = Aggregate("region+horizon", ("region",), True)
    >>> sum_files(Path("forecast.csv"), [region])["region+horizon"].name
    'forecast_region_horizon.csv'
    """
    return {
        aggregate.name: output.with_name(f"{output.stem}_{aggregate.stem}{output.suffix}")
        for aggregate in aggregates
    }


def samples_file(output: Path) -> Path:
    """Where sample paths are written.

    >>> samples_file(Path("forecast.csv")).name
    'forecast_samples.parquet'
    """
    return output.with_name(f"{output.stem}_samples.parquet")


def check_sum_files(
    output: Path,
    aggregates: Sequence[Aggregate],
    samples: bool,
    inputs: Sequence[Path],
    overwrite: bool,
) -> None:
    """Raise ConfigError where a file of sums or samples would take the place of another one.

    samples: whether the sample paths are written too. inputs: the files that are read.
    """
    files = sum_files(output, aggregates)
    for name, file in files.items():
        if samples and file == samples_file(output):
            raise ConfigError(f"`aggregate` (={name}) would be written to the file of `samples`")
        check_free("aggregate", file, inputs, overwrite)
    if samples:
        check_free("samples", samples_file(output), inputs, overwrite)


def write_sums(
    paths: SamplePaths,
    panel: Panel,
    table: Table,
    aggregates: Sequence[Aggregate],
    form: SumForm,
    output: Path,
    escape_formulas: bool = False,
) -> tuple[Note, ...]:
    """Write the sums of each aggregate beside `output`, each file whole or not at all.

    table: that the panel was made of. Returns notes on what the sums lack. Raises DataError where
    there is nothing to sum, ConfigError where a column has the name of one of ours.
    """
    frames, notes = sum_frames(paths, panel, table, aggregates, form)
    for name, file in sum_files(output, aggregates).items():
        write_table(frames[name], file, escape_formulas)
    return notes


def write_samples(
    paths: SamplePaths,
    panel: Panel,
    decimals: Mapping[str, int | None],
    file_columns: FileColumns | None,
    output: Path,
) -> Path:
    """Write the sample paths beside `output`, as Parquet, some series at a time.

    Its columns are the keys and times of the forecasts, `sample` from 0 on, and `tsconv`.
    file_columns: for times that stay timestamps (`columns_of_file` with to_text=False); None:
    unique_id, row, ds.
    """
    file = samples_file(output)
    with replace_file(file) as temporary:
        writer: Any = None
        try:
            for frame in sample_frames(paths, panel, decimals, file_columns):
                part = pa.Table.from_pandas(
                    frame, writer.schema if writer else None, preserve_index=False
                )
                writer = writer or pyarrow.parquet.ParquetWriter(temporary, part.schema)
                writer.write_table(part)
        finally:
            if writer is not None:
                writer.close()
    return file


def sample_frames(
    paths: SamplePaths,
    panel: Panel,
    decimals: Mapping[str, int | None],
    file_columns: FileColumns | None = None,
) -> Iterator[pd.DataFrame]:
    """Yield the sample paths as tables of some series each; see `write_samples`."""
    forecast = paths.forecast
    for block, values in paths.blocks():
        has_forecast = forecast.has_forecast[block]
        zeros = torch.zeros(forecast.values[block].shape[:-1], dtype=torch.float64)
        some = dataclasses.replace(
            forecast,
            values=zeros.unsqueeze(-1),
            quantiles=(0.5,),
            point=zeros,
            unlimited=zeros,
            has_forecast=has_forecast,
            series=forecast.series[block],
            origin=forecast.origin[block],
            components={},
        )
        keys = forecast_frame(some, panel, file_columns, dict.fromkeys(panel.targets, 0))
        keys = keys.drop(columns="tsconv")
        if "sample" in keys:
            raise ConfigError("`sample` is a column of the file and one of the sample paths")
        by_row = has_forecast.transpose(1, 2)  # rows first, as in the forecasts
        drawn = values.transpose(1, 2)[by_row].numpy()  # (M, h, n)
        channel = by_row.nonzero(as_tuple=True)[2].numpy()
        for c, name in enumerate(panel.targets):
            drawn[channel == c] = round_to_data(drawn[channel == c], decimals[name])
        frame = keys.iloc[np.arange(len(keys)).repeat(paths.n)].reset_index(drop=True)
        frame["sample"] = np.tile(np.arange(paths.n), len(keys))
        frame["tsconv"] = drawn.ravel()
        columns = {str(name): frame[name] for name in frame}
        require_finite({"tsconv": columns.pop("tsconv").to_numpy()}, columns)
        yield frame
