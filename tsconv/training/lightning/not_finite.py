"""What a loss or a gradient that is not finite comes from: series, their times and values."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor

from tsconv.data.batches.chunks import Batch
from tsconv.data.panel.format_time import format_zoned_time
from tsconv.data.panel.panel import Panel
from tsconv.errors import TrainingError

NO_CAUSE = "no stretch of the batch causes it alone"
_MOST_NAMED = 3


class NotFinite(TrainingError):
    """A NaN or infinite loss or gradient, before it changed a weight, or was taken for a result.

    happened: to what, at which step. advice: what to change. step: of the optimizer, counted from
    0. batch: of the validation part, where it comes from that; else any batch of the step.
    """

    def __init__(self, happened: str, advice: str, step: int, batch: Batch | None = None) -> None:
        self.happened, self.advice, self.step, self.batch = happened, advice, step, batch
        self._kept = "no weight was changed" if batch is None else "training ends"
        super().__init__(f"{happened}: {self._kept}; {advice}")

    def explained(self, learning_rate: float, cause: str) -> TrainingError:
        """The same error with the learning rate, and what causes it, as `describe_cause` says."""
        return TrainingError(
            f"{self.happened} (learning rate {learning_rate:.3g}): {self._kept}; {cause}; "
            f"{self.advice}"
        )


def faulty_chunks(loss: Callable[[Batch], Tensor], batch: Batch, parameters: list[Tensor]) -> Batch:
    """The chunks of a batch that alone give a loss, or else a gradient, that is not finite.

    loss: of some chunks. parameters: of the network. Returns a batch of 0 or more chunks.
    """
    chunks = list(_single_chunks(batch))
    with torch.no_grad():
        faulty = [i for i, chunk in enumerate(chunks) if not _is_finite([loss(chunk)])]
    if not faulty:
        for i, chunk in enumerate(chunks):
            grads = torch.autograd.grad(loss(chunk), parameters, allow_unused=True)
            if not _is_finite([g for g in grads if g is not None]):
                faulty.append(i)
    return _pick(batch, faulty)


def describe_cause(faulty: list[Batch], panel: Panel, n_chunks: int) -> str:
    """Say which series and times the faulty chunks are of, in a few words.

    faulty: as `faulty_chunks` gives them, of each batch of a step. n_chunks: of the whole step.
    """
    count = sum(len(part.series) for part in faulty)
    if count == 0:
        return NO_CAUSE
    places = [p for part in faulty for p in _places(part, panel)]
    if count == n_chunks:
        return f"every series of the batch causes it, such as {places[0]}"
    rest = f" and {count - _MOST_NAMED} more" if count > _MOST_NAMED else ""
    return f"the cause is {', '.join(places[:_MOST_NAMED])}{rest}, of {n_chunks} stretches"


def _places(batch: Batch, panel: Panel) -> Iterator[str]:
    """Series, first and last time of each chunk, and the largest value in it."""
    n = batch.n_origins
    history = batch.x.shape[-1] - n
    horizon = batch.y.shape[-1] - n + 1
    for i, s in enumerate(batch.series.tolist()):
        begin, length = int(batch.first[i]) - history, int(panel.lengths[s])
        first, last = max(0, begin), min(length, int(batch.first[i]) + n + horizon) - 1
        start, end = (
            format_zoned_time(panel.times(s, np.array([step])), panel) for step in (first, last)
        )
        largest = float(panel.series(s)[first : last + 1].nan_to_num().abs().max())
        yield f"series `{panel.ids[s]}` from {start} to {end} (values up to {largest:.3g})"


def _single_chunks(batch: Batch) -> Iterator[Batch]:
    return (_pick(batch, [i]) for i in range(len(batch.series)))


def _pick(batch: Batch, which: list[int]) -> Batch:
    """Some chunks of a batch."""
    index = torch.tensor(which, dtype=torch.long, device=batch.series.device)
    covariates = batch.covariates
    if covariates is not None:
        covariates = type(covariates)(*(v[index] for v in covariates))
    tensors = {k: v[index] for k, v in batch._asdict().items() if k != "covariates"}
    return Batch(**tensors, covariates=covariates)


def _is_finite(tensors: list[Tensor]) -> bool:
    return all(bool(torch.isfinite(t).all()) for t in tensors)
