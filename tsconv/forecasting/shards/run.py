"""`tsconv forecast` with `shards`: one part, or all of them in turn and then the whole file."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tsconv.config.schema import DataConfig, ForecastConfig
from tsconv.data.reading.shards.line_store import LineStore
from tsconv.data.reading.shards.scan import scan
from tsconv.data.reading.shards.shard_table import Shards
from tsconv.data.write import check_output
from tsconv.errors import ConfigError, require_choice
from tsconv.forecasting.bundles.bundle import load_bundle
from tsconv.forecasting.match import override_roles, require_horizon
from tsconv.forecasting.outputs import check_free, input_files
from tsconv.forecasting.ranks import find_device
from tsconv.forecasting.shards.inputs import inputs_of
from tsconv.forecasting.shards.job import Job, PartResult, forecast_part
from tsconv.forecasting.shards.merge import MergeResult, merge_parts
from tsconv.forecasting.shards.parts import Manifest, check_shards, manifest_path
from tsconv.forecasting.sums.write import check_samples

HEAD = 200  # the first lines of the data, which show how times are written

Report = Callable[[PartResult, int, int], None]  # a part, the shards done, and how many there are


@dataclasses.dataclass(frozen=True)
class ShardsResult:
    """What a command on shards did."""

    parts: tuple[PartResult, ...]  # those made now
    done_before: tuple[int, ...]  # the shards whose part was there
    seconds: dict[str, float]  # reading, table, network, writing, merging
    part: Path | None  # of the only shard that was asked for
    merged: MergeResult | None


def run_shards(config: ForecastConfig, report: Report | None = None) -> ShardsResult:
    """Forecast the series of `shard`, or those of every shard and then merge the parts.

    A part that is there, made from the same bundle, data and settings, is left as it is. Raises
    TsconvError, before anything is written, where the config, the bundle or the file is at fault.
    """
    job = _prepare(config)
    output = Path(config.output)
    wanted = range(job.shards) if config.shard is None else [config.shard]
    missing = [shard for shard in wanted if not job.is_done(shard)]
    _check_paths(job, missing)
    seconds = dict.fromkeys(("reading", "table", "network", "writing", "merging"), 0.0)
    parts: list[PartResult] = []
    if missing:
        begun = time.perf_counter()
        stores: list[LineStore] = []
        try:
            lines, future = _scan_all(job, missing, output.parent, stores)
            seconds["reading"] = time.perf_counter() - begun
            for shard in missing:
                part = forecast_part(job, lines, future, shard)
                for name, spent in part.seconds.items():
                    seconds[name] += spent
                parts.append(part)
                if report is not None:
                    report(part, len(wanted) - len(missing) + len(parts), len(wanted))
        finally:
            for store in stores:
                store.close()
    merged = None
    if config.shard is None:
        begun = time.perf_counter()
        merged = merge_parts(output, job.shards, config.overwrite)
        seconds["merging"] = time.perf_counter() - begun
    done_before = tuple(shard for shard in wanted if shard not in set(missing))
    part_file = None if config.shard is None else job.part(config.shard)
    return ShardsResult(tuple(parts), done_before, seconds, part_file, merged)


def _prepare(config: ForecastConfig) -> Job:
    shards = check_shards(config.shards, config.shard)
    for key in ("plot", "template"):
        if getattr(config, key) is not None:
            raise ConfigError(
                f"`{key}` and `shards` exclude each other: run `tsconv forecast` without shards, "
                f"for some series by `series=[...]`"
            )
    check_samples(config)
    if config.components:
        raise ConfigError(
            "`components` and `shards` exclude each other: run `tsconv forecast` without shards, "
            "for some series by `series=[...]`"
        )
    if config.devices != 1:
        raise ConfigError(
            f"`devices` (={config.devices}) and `shards` exclude each other: start one command for "
            f"each device, with a `shard` of its own"
        )
    require_choice("columns", config.columns, ("file", "nixtla"))
    if config.start is not None and config.last is not None:
        raise ConfigError("`start` and `last` exclude each other: give one")
    bundle = load_bundle(config.bundle)
    data = override_roles(bundle.data, config.data)
    if data.path is None:
        raise ConfigError("`data.path` must be given, e.g. data.path=sales.csv")
    check_output(Path(config.output))
    horizon = require_horizon(bundle, config.horizon)
    bundle = dataclasses.replace(bundle, net=bundle.net.to(find_device(config.device)))
    return Job(config, data, bundle, horizon, shards, inputs_of(config, data, horizon))


def _check_paths(job: Job, missing: list[int]) -> None:
    """Raise ConfigError for a file that is in the way: before any work is done."""
    inputs = input_files((job.data.path, job.data.future_path))
    overwrite = job.config.overwrite
    if job.config.shard is None:
        check_free("output", Path(job.config.output), inputs, overwrite)
    for shard in missing:
        part = job.part(shard)
        check_free("output", part, inputs, overwrite)
        manifest = manifest_path(part)
        if manifest.exists() and Manifest.read(manifest) is None:
            check_free("output", manifest, inputs, overwrite)


def _scan_all(
    job: Job, missing: list[int], folder: Path, stores: list[LineStore]
) -> tuple[Shards, Shards | None]:
    """The lines of the shards that are to be made, and of their future covariates."""

    def scanned(data: DataConfig, **how: Any) -> Shards:
        store = LineStore(folder)
        stores.append(store)
        return scan(data, job.shards, missing, store, **how)

    lines = scanned(job.data, head=HEAD)
    if job.data.future_path is None:
        return lines, None
    if job.data.future_covariates is None:
        raise ConfigError("`data.future_path` needs `data.future_covariates`")
    ahead = dataclasses.replace(job.data, path=job.data.future_path)
    return lines, scanned(ahead, future_only=True)
