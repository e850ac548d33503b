"""One training step on a real batch: what the choice of precision and compilation measures."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Hashable, Sequence
from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor

from tsconv.config.schema import HeadConfig
from tsconv.data.batches.chunks import Batch
from tsconv.model.network import ForecastNet

_LEAST_TURNS, _MOST_TURNS = 3, 8  # of a measurement
_MOST_SECONDS = 1.0  # of a measurement that has had its least turns
_DTYPES = {"bfloat16": torch.bfloat16, "float16": torch.float16}  # of mixed precision

Loss = Callable[[ForecastNet, Batch, Tensor, HeadConfig], tuple[Tensor, Tensor]]


@dataclasses.dataclass(frozen=True)
class TrainingStep:
    """The forward and backward pass of one batch, without the optimizer.

    loss: `dense_loss`, eager or compiled; the other fields are its arguments. Running a step
    leaves no gradient behind.
    """

    loss: Loss
    net: ForecastNet
    batch: Batch
    inv_scale: Tensor  # (B, T, H)
    head: HeadConfig

    @property
    def device(self) -> torch.device:
        """The device of the batch."""
        return self.batch.x.device

    def key(self) -> tuple[Hashable, ...]:
        """Return all that compiled code of a step depends on; the rate of dropout is not part."""
        spec = dataclasses.replace(self.net.spec, dropout=float(self.net.spec.dropout > 0))
        batch = self.batch  # the spec determines the shapes of its covariates
        tensors = (batch.x, batch.mask, batch.y, batch.y_mask, batch.valid, self.inv_scale)
        shapes = (tuple(t.shape) for t in tensors)
        return spec, *shapes, self.head.loss, self.head.loss_scale, str(self.device)

    def run(self, precision: str) -> float:
        """Run the step once in "float32", "bfloat16" or "float16"; return the seconds it took."""
        begun = time.perf_counter()
        with autocast(precision, self.device):
            value, _ = self.loss(self.net, self.batch, self.inv_scale, self.head)
        torch.autograd.backward(value)
        self.net.zero_grad(set_to_none=True)
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        return time.perf_counter() - begun

    def seconds(self, precisions: Sequence[str]) -> dict[str, float]:
        """Return the seconds of a step in each of the precisions, see `fastest`."""
        return fastest(self.run, precisions)


def fastest(run: Callable[[str], float], names: Sequence[str]) -> dict[str, float]:
    """Return the shortest time of several runs of each name, by name; run: returns seconds.

    The names take turns, so that a busy moment of the machine meets all of them. The first run of
    each does not count.

    >>> times = iter([9.0, 9.0, 0.5, 0.75, 0.6, 0.7, 0.4, 0.8])
    >>> fastest(lambda name: next(times), ["a", "b"])
    {'a': 0.4, 'b': 0.7}
    """
    for name in names:
        run(name)
    best = dict.fromkeys(names, float("inf"))
    spent = 0.0
    for turn in range(_MOST_TURNS):
        for name in names:
            seconds = run(name)
            best[name] = min(best[name], seconds)
            spent += seconds
        if turn + 1 >= _LEAST_TURNS and spent > _MOST_SECONDS:
            break
    return best


def autocast(precision: str, device: torch.device) -> AbstractContextManager[object]:
    """Return the context that Lightning runs a step in; compiled code is bound to its flags."""
    if precision not in _DTYPES:
        return nullcontext()
    return torch.autocast(device.type, _DTYPES[precision], cache_enabled=False)
