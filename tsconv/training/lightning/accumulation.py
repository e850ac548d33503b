"""Gradient accumulation: which batches end an optimizer step.

Lightning counts batches where tsconv counts optimizer steps.
"""

from __future__ import annotations

from typing import Any

import pytorch_lightning as pl

from tsconv.errors import ConfigError


def batches_per_step(trainer: dict[str, Any]) -> int:
    """Batches of an optimizer step, by the `trainer` group of the config.

    Raises ConfigError for anything but a whole number above 0.

    >>> batches_per_step({"accumulate_grad_batches": 4}), batches_per_step({})
    (4, 1)
    """
    value = trainer.get("accumulate_grad_batches", 1)
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ConfigError(
            f"`trainer.accumulate_grad_batches` (={value}) must be a whole number of at least 1"
        )
    return value


def ends_step(trainer: pl.Trainer) -> bool:
    """Whether the batch that was trained last was the last one of an optimizer step."""
    batches = trainer.fit_loop.epoch_loop.total_batch_idx + 1
    return batches % trainer.accumulate_grad_batches == 0


def count_batches_anew(checkpoint: dict[str, Any], per_step: int) -> None:
    """Let a checkpoint's count of batches fit a training with `per_step` batches a step.

    A checkpoint is written behind an optimizer step, so that a resumed training may have another
    number of batches in each.
    """
    progress = checkpoint["loops"]["fit_loop"]["epoch_loop.batch_progress"]
    batches = checkpoint["global_step"] * per_step
    for counts in (progress["total"], progress["current"]):
        open_batches = counts["ready"] - counts["completed"]  # 1 where its callbacks were running
        counts.update(ready=batches, started=batches, processed=batches)
        counts["completed"] = batches - open_batches
