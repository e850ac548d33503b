"""From a config and a panel to what a training needs: every open end is chosen, nothing has run."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch

from tsconv.config.schema import TrainConfig
from tsconv.data.batches.data_module import DenseDataModule
from tsconv.data.covariates.encode import (
    Encoding,
    covariate_sizes,
    encode,
    fit_encodings,
    with_calendar,
)
from tsconv.data.panel.panel import Panel, build_panel
from tsconv.data.panel.split import Split, split_panel
from tsconv.data.reading.read import read_table
from tsconv.data.reading.table import Table
from tsconv.errors import ConfigError, require_choice
from tsconv.evaluation.losses import POINT_LOSSES
from tsconv.evaluation.metrics import SeriesScale
from tsconv.evaluation.scoring import training_scale
from tsconv.model.network import ForecastNet
from tsconv.model.spec import CHANNELS, NetSpec
from tsconv.nn.heads import check_quantiles
from tsconv.nn.row_mixing import CROSS_ROW
from tsconv.nn.rows import ROWS
from tsconv.training import precision as speed
from tsconv.training.auto import resolve
from tsconv.training.callbacks import WEIGHTS
from tsconv.training.lightning_module import OPTIMIZERS, SCHEDULERS, ForecastModule
from tsconv.training.loop import LOGGERS, check_trainer_keys, resume_path
from tsconv.training.precision import CompileCache

_NOT_OF_PANEL = ("origins_per_chunk", "chunks_per_batch")  # keys of `data` that only batches know
LONGEST_SIGMA = 2048  # steps: a trailing filter sees twice as many


@dataclasses.dataclass(frozen=True)
class Prepared:
    """All that a training starts from: the config without open ends, the data, the network."""

    config: TrainConfig
    reasons: dict[str, str]  # key of the config -> why it has its value
    panel: Panel
    split: Split
    net: ForecastNet
    scale: SeriesScale
    season: int  # steps, of the baseline and of MASE
    encodings: tuple[Encoding, ...] = ()  # of the covariates

    def module(self) -> ForecastModule:
        """The LightningModule around the network."""
        scale, config = self.scale, self.config
        unit = torch.where(scale.std > 0, 1 / scale.std, 0)  # (S, T, H)
        names = {
            "channels": list(self.panel.channels),
            "rows": list(self.panel.rows),
            "covariates": [" ".join((e.name, *(e.categories or ()))) for e in self.encodings],
        }
        steps = config.trainer["max_steps"]
        return ForecastModule(
            self.net, unit, names, config.head, config.optimizer, config.scheduler, steps
        )

    def data(self) -> DenseDataModule:
        """The LightningDataModule of dense chunks."""
        split, config = self.split, self.config
        has_val = split.val is not None and int(split.val.counts.sum()) > 0
        return DenseDataModule(
            self.panel,
            split.train,
            split.val if has_val else None,
            history=self.net.history,
            horizon=config.horizon,
            origins_per_chunk=config.data.origins_per_chunk or 1,
            chunks_per_batch=config.data.chunks_per_batch or 1,
            seed=config.seed,
        )


class PanelCache:
    """What the trainings of one process share: panels, their scales, and compiled code."""

    def __init__(self) -> None:
        self.shapes = CompileCache()
        self._panels: dict[str, Panel] = {}
        self._scales: dict[Any, SeriesScale] = {}

    def prepare(self, config: TrainConfig, table: Table | None = None) -> Prepared:
        """Choose what a config leaves open, split its panel, draw the initial weights.

        `table` takes the place of `config.data.path` for data that are already in memory. Sets the
        seed and the number of threads of the process. Raises TsconvError where the config is at
        fault, or the data, or they do not go together.
        """
        config = check_config(config)
        whole = self.panel(config, table)
        panel = _cut(whole, config)
        resolved = resolve(config, panel)
        if config.threads is not None:
            torch.set_num_threads(config.threads)
        else:
            resolved.reasons["threads"] = "what torch took"
        config = dataclasses.replace(resolved.config, threads=torch.get_num_threads())
        split = split_panel(
            panel, config.horizon, config.split.val_size or 0, config.split.test_size or 0
        )
        pl.seed_everything(config.seed, verbose=False)
        encodings = fit_encodings(panel, split.train_end)
        calendar = tuple(config.features.calendar or ())
        encoded = with_calendar(encode(panel, encodings), calendar, config.horizon)
        net = ForecastNet(_net_spec(config, encoded, encodings))
        scale = self._scale(whole, panel, split, resolved.season)
        return Prepared(
            config, resolved.reasons, encoded, split, net, scale, resolved.season, encodings
        )

    def panel(self, config: TrainConfig, table: Table | None = None) -> Panel:
        """The panel of a config, read once for each way of reading; the last two are kept."""
        if table is not None:
            return build_panel(table, config.data.freq)
        if config.data.path is None:
            raise ConfigError("`data.path` must be given, e.g. data.path=sales.csv")
        data = dataclasses.asdict(config.data)
        key = json.dumps({k: v for k, v in data.items() if k not in _NOT_OF_PANEL}, default=str)
        if key not in self._panels:
            for old in list(self._panels)[:-1]:
                del self._panels[old]
            self._panels[key] = build_panel(read_table(config.data), config.data.freq)
            self._scales.clear()
        return self._panels[key]

    def _scale(self, whole: Panel, panel: Panel, split: Split, season: int) -> SeriesScale:
        if not any(whole is kept for kept in self._panels.values()):
            return training_scale(panel, split.train_end, season)
        key = (id(whole), *split.train_end.tolist(), season)
        if key not in self._scales:
            self._scales[key] = training_scale(panel, split.train_end, season)
        return self._scales[key]


def check_config(config: TrainConfig) -> TrainConfig:
    """Raise ConfigError for all that can be seen to be wrong before the file is read.

    Returns the config with `compile` spelt as auto, true or false.
    """
    check_trainer_keys(config.trainer)
    if not 0 <= config.seed < 2**32:
        raise ConfigError(f"`seed` (={config.seed}) must be between 0 and {2**32 - 1}")
    if config.data.future_path is not None:
        raise ConfigError(
            f"`data.future_path` (={config.data.future_path}) is for forecasts: a training reads "
            f"`data.path` alone"
        )
    if config.threads is not None and config.threads < 1:
        raise ConfigError(f"`threads` (={config.threads}) must be at least 1")
    head = config.head
    for key, value, choices in (
        ("precision", config.precision, speed.PRECISIONS),
        ("model.rows", config.model.rows, ROWS),
        ("model.cross_row", config.model.cross_row, CROSS_ROW),
        ("model.channels", config.model.channels or CHANNELS[0], CHANNELS),
        ("head.kind", head.kind, ("point", "quantile")),
        ("head.loss", head.loss, POINT_LOSSES),
        ("head.loss_scale", head.loss_scale, ("series", "origin")),
        ("optimizer.name", config.optimizer.name, OPTIMIZERS),
        ("scheduler.name", config.scheduler.name, SCHEDULERS),
        ("callbacks.weights", config.callbacks.weights, WEIGHTS),
        ("logger.name", config.logger.name, tuple(LOGGERS)),
    ):
        require_choice(key, value, choices)
    for key, sigmas in (("smooth", config.features.smooth), ("slope", config.features.slope)):
        for sigma in sigmas:
            if not 0 < sigma <= LONGEST_SIGMA:
                raise ConfigError(
                    f"`features.{key}` (={sigmas}) must be steps above 0 and up to {LONGEST_SIGMA}"
                )
    if head.kind == "quantile":
        check_quantiles(head.quantiles or ())
    for key in ("weight_decay", "row_decay"):
        if getattr(config.optimizer, key) < 0:
            raise ConfigError(
                f"`optimizer.{key}` (={getattr(config.optimizer, key)}) must not be negative"
            )
    if config.resume is not None:
        resume_path(config)
    if config.run_dir is not None and (Path(config.run_dir) / "bundle").exists():
        raise ConfigError(
            f"`run_dir` (={config.run_dir}) already holds a finished run; name another"
        )
    return dataclasses.replace(config, compile=speed.compile_choice(config.compile))


def _cut(panel: Panel, config: TrainConfig) -> Panel:
    """Keep the first train + val + test steps where `split.train_size` is set."""
    split = config.split
    if split.train_size is None:
        return panel
    if split.val_size is None or split.test_size is None:
        raise ConfigError("`split.train_size` needs `split.val_size` and `split.test_size` too")
    return panel.head(split.train_size + split.val_size + split.test_size)


def _net_spec(config: TrainConfig, panel: Panel, encodings: Sequence[Encoding]) -> NetSpec:
    head = config.head
    model = dataclasses.asdict(config.model)
    grouped = config.model.rows != "shared" or config.model.cross_row == "dense"
    return NetSpec(
        horizon=config.horizon,
        context_length=config.context_length or 1,
        seasonal_lags=tuple(config.features.seasonal_lags or ()),
        smooth=tuple(config.features.smooth),
        slope=tuple(config.features.slope),
        quantiles=tuple(head.quantiles or ()) if head.kind == "quantile" else None,
        n_rows=panel.n_rows if grouped else None,
        n_targets=len(panel.targets),
        n_past=panel.n_past,
        calendar=tuple(config.features.calendar or ()),
        **covariate_sizes(encodings),
        **model,
    )
