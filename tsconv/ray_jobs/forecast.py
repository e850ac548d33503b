"""Forecasts in shards on Ray: a task for each shard, then the parts merged into one file."""

from __future__ import annotations

import dataclasses
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tsconv.config.compose import forecast_config
from tsconv.errors import ConfigError
from tsconv.forecasting.shards.merge import merge_parts
from tsconv.forecasting.shards.parts import check_shards
from tsconv.forecasting.shards.run import run_shards
from tsconv.ray_jobs.session import ray_session, run_tasks, split_settings
from tsconv.text import plural


@dataclasses.dataclass(frozen=True)
class ShardDone:
    """What a task tells of its shard."""

    shard: int
    series: int  # forecast now; 0 where its part was there


def ray_forecast(overrides: Sequence[str]) -> None:
    """Run `tsconv forecast ... shards=N` with a task of Ray for each shard.

    overrides: those of `tsconv forecast`, and keys `ray.*`, see `RaySettings`. The bundle, the data
    and the folder of `output` must be there under the same path on every machine.
    """
    settings, own = split_settings(overrides)
    config = forecast_config(own)
    if config.shards is None or config.shard is not None:
        raise ConfigError("give `shards`, and no `shard`: each is a task, e.g. shards=64")
    count = check_shards(config.shards, None)
    begun, series, ended = time.perf_counter(), 0, 0

    def done(part: ShardDone) -> None:
        nonlocal series, ended
        series, ended = series + part.series, ended + 1
        rate = series / (time.perf_counter() - begun)
        what = plural(part.series, "series", "series") if part.series else "done before"
        print(
            f"shard {part.shard}: {what}; {ended} of {count} shards done, {rate:,.0f} series/s",
            file=sys.stderr,
            flush=True,
        )

    with ray_session(settings):
        run_tasks(forecast_shard, [(own, shard) for shard in range(count)], settings, done)
    merged = merge_parts(Path(config.output), count, config.overwrite)
    print(merged.summary)
    print(merged.output)


def forecast_shard(overrides: list[str], shard: int) -> ShardDone:
    """Forecast one shard, unless its part is there."""
    config = dataclasses.replace(forecast_config(overrides), shard=shard)
    result = run_shards(config)
    return ShardDone(shard, sum(part.series for part in result.parts))
