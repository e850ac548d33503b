"""Refit: training goes on over all the data, after scoring, for the network of the bundle.

The figures stay those of the network before, which has never seen what it was scored on.
"""

from __future__ import annotations

import copy
import dataclasses
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from tsconv.config.schema import TrainConfig
from tsconv.data.batches.origin_range import OriginRange
from tsconv.data.batches.split import Split
from tsconv.distributed.ranks import Ranks
from tsconv.distributed.threads import torch_threads
from tsconv.evaluation.scoring import training_scale
from tsconv.model.network import ForecastNet
from tsconv.ridge.choose import RidgeChoice
from tsconv.training.lightning.loop import TrainerResult, run_trainer
from tsconv.training.prepare import Prepared
from tsconv.training.solved_start import linear_solver
from tsconv.training.step.compile_cache import CompileCache

SHARE = 0.2  # of the steps that were trained
RATE = 0.3  # of the learning rate
_SEED = 104_729  # is added to the seed: other chunks than the training's first ones


def refit_config(config: TrainConfig, steps: int) -> TrainConfig:
    """The config of a refit: no validation within, nothing written, a lower learning rate."""
    return dataclasses.replace(
        config,
        seed=(config.seed + _SEED) % 2**32,
        trainer={**config.trainer, "max_steps": steps, "val_check_interval": steps},
        optimizer=dataclasses.replace(config.optimizer, lr=RATE * config.optimizer.lr),
        callbacks=dataclasses.replace(
            config.callbacks, checkpoints=False, patience=None, weights="last"
        ),
        logger=dataclasses.replace(config.logger, name="none"),
        resume=None,
        plots=False,
    )


def with_all_data(prepared: Prepared) -> Prepared:
    """The same with every step as training part, and a copy of the network to train on."""
    panel, train = prepared.panel, prepared.split.train
    lengths = panel.lengths.cpu()
    everything = OriginRange(train.first, lengths - 2, lengths)
    return dataclasses.replace(
        prepared,
        split=Split(everything, None, None, lengths),
        scale=training_scale(panel, lengths, prepared.season),
        net=copy.deepcopy(prepared.net).to("cpu"),
    )


def train_on_all(
    ranks: Ranks, prepared: Prepared, compile_cache: CompileCache | None = None
) -> TrainerResult:
    """What every rank does of a refit; the network of `prepared` gets its final weights."""
    with torch_threads(prepared.config.threads), ranks.own_cores():
        prepared.seed_process()
        with tempfile.TemporaryDirectory(prefix="tsconv-refit-") as folder:
            return run_trainer(
                prepared.module(),
                prepared.data(ranks.rank, ranks.size),
                prepared.config,
                Path(folder),
                compile_cache=compile_cache,
                ranks=ranks,
            )
