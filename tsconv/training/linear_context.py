"""The context of a linear branch that is solved alone: chosen by its validation loss."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from tsconv.config.schema import TrainConfig
from tsconv.errors import TsconvError
from tsconv.training.prepare import Prepared
from tsconv.training.solved_start import linear_solver

MULTIPLES = (1.0, 0.5, 2.0, 1.5, 0.25, 4.0)  # of the context that the defaults would take


def context_lengths(chosen: int, longest: int, shortest: int) -> list[int]:
    """The contexts to compare, the chosen one first.

    longest, shortest: steps; the chosen one is compared even where it lies beyond.

    >>> context_lengths(100, longest=210, shortest=30)
    [100, 50, 200, 150]
    """
    found = [max(1, round(multiple * chosen)) for multiple in MULTIPLES]
    kept = [n for n in found if n == chosen or shortest <= n <= longest]
    return list(dict.fromkeys(kept))


def with_best_context(
    config: TrainConfig, base: Prepared, prepare: Callable[[TrainConfig], Prepared]
) -> Prepared:
    """The training with the context whose solved branch has the lowest validation loss.

    Args:
        config: as given, with its open ends.
        base: what it came to.
        prepare: makes the same of another config.

    Returns base itself where the context was given, the network has a stack, or there is no
    validation part. No context is longer than half of a typical series' training part, nor shorter
    than a season.
    """
    chosen = base.config.context_length
    if config.model.stack or config.context_length is not None or chosen is None:
        return base
    ends = base.split.train_end[base.split.train_end > 0].sort().values
    longest = int(ends[len(ends) // 2]) // 2
    shortest = min(base.config.features.seasonal_lags or (1,))
    loss = {chosen: _loss(base)}
    if loss[chosen] is None:
        return base
    config = dataclasses.replace(config, split=base.config.split)
    for length in context_lengths(chosen, longest, shortest)[1:]:
        try:
            loss[length] = _loss(prepare(dataclasses.replace(config, context_length=length)))
        except TsconvError:  # the data do not go with this one
            continue
    known = {n: v for n, v in loss.items() if v is not None}
    best = min(known, key=lambda n: known[n])
    compared = ", ".join(f"{n}: {known[n]:.4g}" for n in sorted(known))
    reason = f"the lowest validation MSE of the solved branch ({compared})"
    found = base
    if best != chosen:
        found = prepare(dataclasses.replace(config, context_length=best))
    return dataclasses.replace(found, reasons={**base.reasons, "context_length": reason})


def _loss(prepared: Prepared) -> float | None:
    """The validation loss of the solved branch, in units of each series; None without one."""
    choice = linear_solver(prepared).start(prepared.net)
    return None if choice is None else choice.loss
