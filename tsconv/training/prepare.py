"""From a config and a panel to what a training needs: every open end is chosen, nothing has run."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytorch_lightning as pl
import torch
from torch import Tensor

from tsconv.calibration.conformal import CHOICES
from tsconv.config.schema import SplitConfig, TrainConfig
from tsconv.data.batches.data_module import DenseDataModule
from tsconv.data.batches.split import Split, split_panel
from tsconv.data.cache.plan import check_choice
from tsconv.data.counts import require_counts
from tsconv.data.covariates.encode import (
    Encoding,
    encode,
    fit_encodings,
    with_calendar,
)
from tsconv.data.panel.panel import Panel
from tsconv.errors import ConfigError, require_choice
from tsconv.evaluation.losses import POINT_LOSSES
from tsconv.evaluation.metrics import SeriesScale
from tsconv.evaluation.rivals import Baseline
from tsconv.evaluation.scoring import training_scale
from tsconv.forecasting.intervals.wanted import POINTS
from tsconv.model.network import ForecastNet
from tsconv.model.spec import CHANNELS
from tsconv.nn.heads import COUNT_HEADS, HEADS, check_quantiles, check_zero_inflated
from tsconv.nn.row_mixing import CROSS_ROW
from tsconv.nn.rows import ROWS
from tsconv.training.defaults.bounds import check_bounds, resolve_bounds
from tsconv.training.defaults.resolve import resolve
from tsconv.training.lightning.accumulation import batches_per_step
from tsconv.training.lightning.averaged_weights import WEIGHTS
from tsconv.training.lightning.checkpoints.resume import require_run
from tsconv.training.lightning.lightning_module import ForecastModule
from tsconv.training.lightning.loggers import check_logger
from tsconv.training.lightning.loop import check_trainer_keys
from tsconv.training.lightning.optimizer import OPTIMIZERS, SCHEDULERS
from tsconv.training.network import draw_network, net_spec
from tsconv.training.resume import goes_on_in_place
from tsconv.training.step.compile_cache import normalize_compile
from tsconv.training.step.precision import PRECISIONS

LINEAR_STARTS = ("solved", "seasonal")
SWITCHES = ("auto", "true", "false")
LONGEST_SIGMA = 2048  # steps: a trailing filter sees twice as many


@dataclasses.dataclass(frozen=True)
class Prepared:
    """All that a training starts from: the config without open ends, the data, the network."""

    config: TrainConfig
    reasons: dict[str, str]  # key of the config -> why it has its value
    panel: Panel
    split: Split
    net: ForecastNet  # with its initial weights
    random_state: Tensor  # of torch's generator, after it drew the weights
    scale: SeriesScale
    season: int  # steps, of MASE
    baselines: tuple[Baseline, ...]  # the simple forecasts that are scored beside the network
    encodings: tuple[Encoding, ...] = ()  # of the covariates

    def seed_process(self) -> None:
        """Seed the process' generators; torch's goes on from where it drew the weights.

        Call it before a training: dropout draws from there.
        """
        pl.seed_everything(self.config.seed, verbose=False)
        torch.set_rng_state(self.random_state)

    def module(self) -> ForecastModule:
        """The LightningModule around the network."""
        scale, config = self.scale, self.config
        inv_scale = torch.where(scale.std > 0, 1 / scale.std, 0)  # (S, T, H)
        names = {
            "channels": list(self.panel.channels),
            "rows": list(self.panel.rows),
            "series": list(self.panel.ids) if self.net.by_series else [],
            "covariates": [" ".join((e.name, *(e.categories or ()))) for e in self.encodings],
        }
        steps = config.trainer["max_steps"]
        return ForecastModule(
            self.net, inv_scale, names, config.head, config.optimizer, config.scheduler, steps
        )

    def data(self, rank: int = 0, world_size: int = 1) -> DenseDataModule:
        """The LightningDataModule of dense chunks, for one of `world_size` ranks."""
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
            rank=rank,
            world_size=world_size,
            batches_per_step=batches_per_step(config.trainer),
            most_val_origins=config.split.val_origins,
        )


def prepare(
    config: TrainConfig,
    panel: Panel,
    scale_of: Callable[[Panel, Tensor, int], SeriesScale] = training_scale,
) -> Prepared:
    """Choose what a config leaves open, split the panel and draw the initial weights.

    Args:
        config: `config.data` is taken as read: `panel` is what it gave.
        panel: every step that the file has; `split.train_size` is cut here.
        scale_of: what computes the scales of the training parts from a panel, the steps (S,) where
            each training part ends, and a season in steps. A cache may stand here.

    Nothing but the result is changed: weights are drawn from `config.seed` beside the process' own
    generators, and threads are counted, not set. Raises ConfigError and DataError where the config
    is at fault, or does not go with the data.
    """
    config = check_config(config)
    part = _first_steps(panel, config.split)
    counts = config.head.kind in COUNT_HEADS
    if counts:
        require_counts(part, Path(config.data.path or "the data").name, config.head.kind)
    resolved = resolve(config, part)
    reasons = dict(resolved.reasons)
    if config.threads is None:
        reasons["threads"] = "torch's default"
    config = dataclasses.replace(resolved.config, threads=config.threads or torch.get_num_threads())
    if not config.model.stack:
        config = dataclasses.replace(config, trainer={**config.trainer, "max_steps": 0})
        reasons["trainer.max_steps"] = "the linear branch alone is solved, not trained"
    sizes = config.split
    split = split_panel(
        part, config.horizon, sizes.val_size or 0, sizes.test_size or 0, sizes.test_stride or 1
    )
    data, bound_reasons = resolve_bounds(config.data, config.head.kind, part, split.train_end)
    config, reasons = dataclasses.replace(config, data=data), {**reasons, **bound_reasons}
    encodings = fit_encodings(part, split.train_end)
    calendar = tuple(config.features.calendar or ())
    encoded = with_calendar(encode(part, encodings), calendar, config.horizon)
    if counts:
        encoded = encoded.without_offset()
    net, random_state = draw_network(net_spec(config, encoded, encodings), config.seed)
    return Prepared(
        config=config,
        reasons=reasons,
        panel=encoded,
        split=split,
        net=net,
        random_state=random_state,
        scale=scale_of(part, split.train_end, resolved.season),
        season=resolved.season,
        baselines=resolved.baselines,
        encodings=encodings,
    )


def check_config(config: TrainConfig) -> TrainConfig:
    """Raise ConfigError for all that can be seen to be wrong before the file is read.

    Returns the config with `compile`, `ensemble` and `refit` spelt as auto, true or false, and with
    `data.lower` and `data.upper` read.
    """
    config = dataclasses.replace(
        config,
        compile=normalize_compile(config.compile),
        ensemble=config.ensemble.strip().lower(),
        refit=config.refit.strip().lower(),
        data=check_bounds(config.data),
    )
    check_choice(config.data)
    if config.dry_run:
        raise ConfigError(
            "`dry_run` (=true) goes with `tsconv train` of one training, and there without "
            "`resume`: it says what the training would take; leave it out"
        )
    check_trainer_keys(config.trainer)
    batches_per_step(config.trainer)
    if not 0 <= config.seed < 2**32:
        raise ConfigError(f"`seed` (={config.seed}) must be between 0 and {2**32 - 1}")
    if config.data.future_path is not None:
        raise ConfigError(
            f"`data.future_path` (={config.data.future_path}) is for forecasts: training reads "
            f"only `data.path`; leave the key out"
        )
    if config.threads is not None and config.threads < 1:
        raise ConfigError(f"`threads` (={config.threads}) must be at least 1")
    head = config.head
    for key, value, choices in (
        ("precision", config.precision, PRECISIONS),
        ("ensemble", config.ensemble, SWITCHES),
        ("refit", config.refit, SWITCHES),
        ("model.rows", config.model.rows, ROWS),
        ("model.cross_row", config.model.cross_row, CROSS_ROW),
        ("model.linear_start", config.model.linear_start, LINEAR_STARTS),
        ("model.series", config.model.series, ROWS),
        ("model.maps", config.model.maps or ROWS[0], ROWS),
        ("model.channels", config.model.channels or CHANNELS[0], CHANNELS),
        ("conformal", config.conformal.kind, CHOICES),
        ("point", config.point, POINTS),
        ("head.kind", head.kind, HEADS),
        ("head.loss", head.loss, POINT_LOSSES),
        ("head.loss_scale", head.loss_scale, ("series", "origin")),
        ("optimizer.name", config.optimizer.name, OPTIMIZERS),
        ("scheduler.name", config.scheduler.name, SCHEDULERS),
        ("callbacks.weights", config.callbacks.weights, WEIGHTS),
    ):
        require_choice(key, value, choices)
    if config.model.maps is not None and not config.model.linear:
        raise ConfigError(
            f"`model.maps` (={config.model.maps}) needs the linear branch: set `model.linear=true`"
        )
    if not config.model.stack and (config.model.linear_start, config.model.linear) != (
        "solved",
        True,
    ):
        raise ConfigError(
            "`model.stack` (=False) leaves the linear branch alone, which is not trained: "
            "`model.linear` must be true and `model.linear_start` must be solved"
        )
    check_logger(config.logger.name)
    for key, sigmas in (("smooth", config.features.smooth), ("slope", config.features.slope)):
        for sigma in sigmas:
            if not 0 < sigma <= LONGEST_SIGMA:
                raise ConfigError(
                    f"`features.{key}` (={sigmas}) must be steps above 0 and up to {LONGEST_SIGMA}"
                )
    if head.kind != "point":
        check_quantiles(head.quantiles or ())
    check_zero_inflated(head.kind, head.zero_inflated)
    for key in ("weight_decay", "row_decay", "row_lr", "linear_lr"):
        if (getattr(config.optimizer, key) or 0) < 0:
            raise ConfigError(
                f"`optimizer.{key}` (={getattr(config.optimizer, key)}) must not be negative"
            )
    require_run(config)
    finished = config.run_dir is not None and (Path(config.run_dir) / "bundle").exists()
    if finished and not goes_on_in_place(config):
        raise ConfigError(
            f"`run_dir` (={config.run_dir}) already holds a finished run; name another"
        )
    return config


def _first_steps(panel: Panel, split: SplitConfig) -> Panel:
    """Keep the first train + val + test steps where `split.train_size` is set."""
    if split.train_size is None:
        return panel
    if split.val_size is None or split.test_size is None:
        raise ConfigError("`split.train_size` needs `split.val_size` and `split.test_size` too")
    return panel.head(split.train_size + split.val_size + split.test_size)
