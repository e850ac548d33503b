"""Sizes that fit the data: the network, its chunks and the steps of a training.

Each function fills the open keys of one group of the config and returns it with the reason of each
choice; keys that the caller set are kept.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any

from tsconv.config.schema import DataConfig, ModelConfig, SplitConfig
from tsconv.data.panel.panel import Panel
from tsconv.errors import ConfigError
from tsconv.nn.tcn import receptive_field

_ORIGINS_PER_STEP = 8192
_MIN_STEPS, _MAX_STEPS = 300, 1000


def held_out(split: SplitConfig) -> int:
    """Count the steps at the end of each series that do not train.

    >>> held_out(SplitConfig(train_size=None, val_size=14, test_size=28))
    42
    """
    return (split.val_size or 0) + (split.test_size or 0)


def _training_origins(panel: Panel, split: SplitConfig) -> int:
    """Origins of the training part, over all series."""
    return int((panel.lengths - held_out(split) - 1).clamp_min(0).sum())


def resolve_model(
    model: ModelConfig, panel: Panel, context: int, train_length: int
) -> tuple[ModelConfig, dict[str, str]]:
    """Choose how channels go together, the width of the stack and its levels.

    Args:
        model: `channels`, `hidden` and `levels` are filled where they are None.
        panel: its size and covariates.
        context: steps; the stack's receptive field stays within.
        train_length: steps of a typical series' training part.
    """
    reasons: dict[str, str] = {}
    channels = model.channels
    if channels is None:
        has_covariates = panel.n_past > 0 or panel.covariates is not None
        channels = "mixed" if has_covariates else "independent"
        reasons["model.channels"] = (
            "the file has covariates" if has_covariates else "the file has no covariates"
        )
    hidden, levels = model.hidden, model.levels
    if hidden is None:
        steps = len(panel) * len(panel.targets) * panel.n_rows * train_length
        hidden = 16 if steps < 2_000 else 32 if steps < 150_000 else 64
        reasons["model.hidden"] = f"about {steps:,} training steps in all"
    if levels is None:
        levels = 1
        while (
            levels < 10 and receptive_field(model.kernel_size, levels + 1, model.stacks) <= context
        ):
            levels += 1
        field = receptive_field(model.kernel_size, levels, model.stacks)
        reasons["model.levels"] = (
            f"receptive field {field}, the most within the context of {context}"
        )
    return dataclasses.replace(model, hidden=hidden, levels=levels, channels=channels), reasons


def resolve_chunks(
    data: DataConfig, panel: Panel, model: ModelConfig, split: SplitConfig
) -> tuple[DataConfig, dict[str, str]]:
    """Choose chunks long enough to repay their history, and so short that a batch mixes series.

    Args:
        data: `origins_per_chunk` and `chunks_per_batch` are filled where they are None.
        panel, model, split: without open ends.

    Raises ConfigError for a size below 1.
    """
    reasons: dict[str, str] = {}
    per_chunk, per_batch = data.origins_per_chunk, data.chunks_per_batch
    for name in ("origins_per_chunk", "chunks_per_batch"):
        if getattr(data, name) is not None and getattr(data, name) < 1:
            raise ConfigError(f"`data.{name}` (={getattr(data, name)}) must be at least 1")
    available = max(1, int(panel.lengths.max()) - held_out(split) - 1)
    side_by_side = len(panel.targets) * panel.n_rows
    if per_chunk is None:
        assert model.levels is not None  # chosen before the chunks
        history = receptive_field(model.kernel_size, model.levels, model.stacks) - 1
        power = 2 ** math.ceil(math.log2(max(16, 2 * history)))
        # A wide family holds as many forecasts in a short chunk as a single series in a long one.
        widest = 2 ** max(5, int(math.log2(max(1, 4 * _ORIGINS_PER_STEP // side_by_side))))
        per_chunk = min(512, power, available, widest)
        reasons["data.origins_per_chunk"] = (
            f"all origins of the longest training part ({available})"
            if per_chunk == available
            else f"limited by {side_by_side} rows and targets side by side"
            if per_chunk == widest < min(512, power)
            else f"twice the stack's history ({history}), as a power of 2 up to 512"
        )
    if per_batch is None:
        total = max(1, _training_origins(panel, split))
        budget = min(max(1, _ORIGINS_PER_STEP // side_by_side), max(256, total))
        per_batch = max(1, round(budget / per_chunk))
        reasons["data.chunks_per_batch"] = (
            f"about {per_batch * per_chunk * side_by_side} origins a step"
        )
    data = dataclasses.replace(data, origins_per_chunk=per_chunk, chunks_per_batch=per_batch)
    return data, reasons


def resolve_steps(
    trainer: dict[str, Any], panel: Panel, split: SplitConfig, data: DataConfig
) -> tuple[dict[str, Any], dict[str, str]]:
    """Choose steps for about a hundred passes over the training origins, and ten validations.

    Args:
        trainer: arguments of Lightning's Trainer; `max_steps` and `val_check_interval` are filled.
        panel, split, data: without open ends.

    Raises ConfigError for `max_steps` below 1.
    """
    trainer, reasons = dict(trainer), {}
    if trainer.get("max_steps") is None:
        assert data.origins_per_chunk is not None  # both chosen before the steps
        assert data.chunks_per_batch is not None
        total = _training_origins(panel, split)
        chunks = data.chunks_per_batch * trainer.get("accumulate_grad_batches", 1)
        passes = 100 * total / (data.origins_per_chunk * chunks)
        trainer["max_steps"] = int(min(max(passes, _MIN_STEPS), _MAX_STEPS))
        reasons["trainer.max_steps"] = (
            f"100 passes over {total:,} training origins, within {_MIN_STEPS} and {_MAX_STEPS}"
        )
    if not isinstance(trainer["max_steps"], int) or trainer["max_steps"] < 1:
        raise ConfigError(f"`trainer.max_steps` (={trainer['max_steps']}) must be at least 1")
    if trainer.get("val_check_interval") is None:
        trainer["val_check_interval"] = max(1, math.ceil(trainer["max_steps"] / 10))
        reasons["trainer.val_check_interval"] = "ten validations"
    return trainer, reasons
