"""The mean loss of an optimizer step over all its terms, wherever they were computed."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

Sum = Callable[[Sequence[Tensor]], None]  # replaces tensors by their sums over ranks, in place


class WeightedMean:
    """Makes a step's gradient that of the mean over all terms, on all ranks and in all batches.

    Each rank averages over the terms of its own batch, whose number differs: targets are missing,
    series are short. The mean of these means would give the terms of a sparse batch more weight.
    So each backward pass runs on `loss * count / reference`, and the gradient is multiplied once
    by `reference / mean count`. A step of one batch on one rank is left alone, to the last bit.

    Args:
        ranks: processes whose gradients are averaged.
        batches: of a step; Lightning divides the loss of each by their number.
        reference: terms of one rank's batch with nothing missing, the same on every rank. It keeps
            what the backward pass runs on near the loss, for float16's sake.
        sum_: sums tensors over ranks, once a step.

    >>> mean = WeightedMean(batches=2, reference=4.0)
    >>> full = mean.add(torch.tensor(1.0), torch.tensor(4.0), torch.tensor(2))
    >>> half = mean.add(torch.tensor(4.0), torch.tensor(2.0), torch.tensor(1))
    >>> float(mean.finish() * (full + half) / 2), float(mean.loss), int(mean.origins)
    (2.0, 2.0, 3)
    """

    def __init__(
        self,
        ranks: int = 1,
        batches: int = 1,
        reference: float = 1.0,
        sum_: Sum = lambda tensors: None,
    ) -> None:
        self._parts, self._reference, self._sum = ranks * batches, reference, sum_
        self._sums: Tensor | None = None  # of loss * count, count and origins since the last step
        self.loss = torch.zeros(())  # of the last finished step
        self.origins = torch.zeros((), dtype=torch.int64)  # of the last finished step, on all ranks

    def add(self, loss: Tensor, count: Tensor, origins: Tensor) -> Tensor:
        """Count a batch in; return the scalar to run its backward pass on.

        loss: mean over the batch's terms; count: of these terms; origins: of the batch. Nothing is
        read from the device.
        """
        if self._parts == 1:
            self.loss, self.origins = loss.detach(), origins
            return loss
        terms = count.double()
        sums = torch.stack((loss.detach() * terms, terms, origins.double()))
        self._sums = sums if self._sums is None else self._sums + sums
        return loss * (count / self._reference)

    def finish(self) -> Tensor | None:
        """End an optimizer step: return the factor of its gradient; None where it is 1.

        Every rank must call it, after the backward pass of the step's last batch.
        """
        if self._sums is None:
            return None
        total, self._sums = self._sums, None
        self._sum([total])
        terms = total[1].clamp_min(1)
        self.loss, self.origins = (total[0] / terms).float(), total[2].long()
        return (self._reference * self._parts / terms).float()
