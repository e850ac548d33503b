"""A training whose device runs out of memory begins again with smaller batches, once."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import torch

from tsconv.config.schema import TrainConfig
from tsconv.errors import TrainingError
from tsconv.training.lightning.accumulation import batches_per_step
from tsconv.training.lightning.loop import TrainerResult
from tsconv.training.prepare import Prepared


def run_within_memory(
    prepared: Prepared, ranks: int, run: Callable[[Prepared, str | None], TrainerResult]
) -> tuple[Prepared, TrainerResult]:
    """Run a training; where its device has no memory left, again with smaller batches.

    A step then has as many more of them, so that it is of the same chunks: the weights are those of
    a training that was started so. The network begins as it was given.

    Args:
        prepared: its network is trained in place.
        ranks: that train together. Of several, one alone may run out of memory while the others
            wait for it, so that the training ends.
        run: trains what it is given; its second argument is a note for the user.

    Returns what was trained, with the config that it was trained by. Raises TrainingError where
    memory does not suffice.
    """
    net = prepared.net
    start = {name: value.clone() for name, value in net.state_dict().items()}
    try:
        return prepared, run(prepared, None)
    except torch.OutOfMemoryError as error:
        if ranks > 1:
            raise _out_of_memory(prepared.config, error) from error
        smaller = with_smaller_chunks(prepared.config)
        if smaller is None:
            raise _out_of_memory(prepared.config, error) from error
    # Behind the block: the error's frames held the tensors of the step.
    net.zero_grad(set_to_none=True)
    net.to("cpu").load_state_dict(start)
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    again = dataclasses.replace(prepared, config=smaller)
    chunks, batches = smaller.data.chunks_per_batch, batches_per_step(smaller.trainer)
    note = (
        f"memory: the device had none left for data.chunks_per_batch="
        f"{prepared.config.data.chunks_per_batch}: the training begins again with {chunks}, "
        f"and trainer.accumulate_grad_batches={batches}; its steps stay the same"
    )
    try:
        trained = run(again, note)
    except torch.OutOfMemoryError as error:
        raise _out_of_memory(smaller, error) from error
    why = "the device had no memory left for larger batches"
    keys = ("data.chunks_per_batch", "trainer.accumulate_grad_batches")
    reasons = {**trained.reasons, **dict.fromkeys(keys, why)}
    return again, dataclasses.replace(trained, reasons=reasons)


def with_smaller_chunks(config: TrainConfig) -> TrainConfig | None:
    """The config with half of the chunks in a batch and twice the batches in a step.

    An odd number of chunks is divided by its smallest factor. None where a batch has one chunk.
    """
    chunks = config.data.chunks_per_batch or 1
    factor = next((f for f in range(2, chunks + 1) if chunks % f == 0), None)
    if factor is None:
        return None
    batches = factor * batches_per_step(config.trainer)
    return dataclasses.replace(
        config,
        data=dataclasses.replace(config.data, chunks_per_batch=chunks // factor),
        trainer={**config.trainer, "accumulate_grad_batches": batches},
    )


def _out_of_memory(config: TrainConfig, error: Exception) -> TrainingError:
    first = str(error).splitlines()[0]
    return TrainingError(
        f"the device has no memory left with data.chunks_per_batch="
        f"{config.data.chunks_per_batch} and trainer.accumulate_grad_batches="
        f"{batches_per_step(config.trainer)}: set the former, data.origins_per_chunk or "
        f"context_length lower ({first})"
    )
