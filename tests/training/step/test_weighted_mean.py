"""The gradient of a step is that of the mean over all its terms, however they are divided."""

import itertools
from collections.abc import Sequence

import pytest
import torch
from torch import Tensor

from tests.helpers.networks import random_batch, random_net
from tsconv.config.schema import HeadConfig
from tsconv.data.batches.chunks import Batch
from tsconv.model.network import ForecastNet
from tsconv.training.lightning.gradients import guard_and_clip_gradients
from tsconv.training.step.dense_loss import dense_loss
from tsconv.training.step.weighted_mean import WeightedMean

HEAD = HeadConfig("quantile", "mae", "series", [0.1, 0.5, 0.9])
N_CHUNKS = 6


def ragged_batch(net: ForecastNet) -> Batch:
    """Chunks of very different numbers of terms: holes, and short series."""
    torch.manual_seed(5)
    batch = random_batch(net, N_CHUNKS, 8)
    share = torch.tensor([0.0, 0.9, 0.1, 0.5, 0.0, 0.97])
    y_mask = (torch.rand_like(batch.y) >= share[:, None, None, None]).double()
    valid = batch.valid & (torch.arange(8) < torch.tensor([8, 8, 3, 8, 1, 8])[:, None])
    return batch._replace(
        x=batch.x.double(), mask=batch.mask.double(), y=batch.y.double(), y_mask=y_mask, valid=valid
    )


def part(batch: Batch, mine: slice) -> Batch:
    return Batch(*(None if v is None else v[mine] for v in batch))


def loss_of(net: ForecastNet, batch: Batch) -> tuple[Tensor, Tensor]:
    return dense_loss(net, batch, torch.ones(len(batch.x), 1, 1), HEAD)


def gradients(net: ForecastNet) -> list[Tensor]:
    return [p.grad.clone() for p in net.parameters() if p.grad is not None]


class Sums:
    """A sum over ranks that take turns in one process: the last one gets that of all."""

    def __init__(self) -> None:
        self.total: Tensor | None = None

    def __call__(self, tensors: Sequence[Tensor]) -> None:
        (mine,) = tensors
        if self.total is not None:
            mine += self.total
        self.total = mine.clone()


@pytest.mark.parametrize(
    ("ranks", "cuts"),
    [(1, [0, 6]), (1, [0, 1, 6]), (2, [0, 4, 6]), (3, [0, 1, 2, 6]), (2, [0, 1, 3, 5, 6])],
    ids=["whole", "two batches", "two ranks", "three ranks", "two batches on two ranks"],
)
@pytest.mark.parametrize("clip", [None, 0.01])
def test_parts_give_the_gradient_of_the_whole(
    ranks: int, cuts: list[int], clip: float | None
) -> None:
    """Each rank's gradient is averaged over ranks, as DDP does, and losses over batches."""
    net = random_net(quantiles=(0.1, 0.5, 0.9))
    batch = ragged_batch(net)
    loss, count = loss_of(net, batch)
    torch.autograd.backward(loss)
    guard_and_clip_gradients(net.parameters(), 0, clip)
    expected = gradients(net)
    assert 0 < int(count) < N_CHUNKS * 8 * net.spec.horizon
    parts = [part(batch, slice(a, b)) for a, b in itertools.pairwise(cuts)]
    n_batches = len(parts) // ranks
    sums, found = Sums(), []
    for rank in range(ranks):
        net.zero_grad()
        mean = WeightedMean(ranks, n_batches, 40.0, sums)
        for mine in parts[rank::ranks]:
            mean_loss, terms = loss_of(net, mine)
            torch.autograd.backward(mean.add(mean_loss, terms, mine.valid.sum()) / n_batches)
        factor = mean.finish()
        found.append(gradients(net))
    for p, *of_ranks in zip(net.parameters(), *found, strict=True):
        p.grad = torch.stack(of_ranks).mean(0)
    guard_and_clip_gradients(net.parameters(), 0, clip, factor=factor)
    for ours, theirs in zip(gradients(net), expected, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-6, atol=1e-9)
    assert float(mean.loss) == pytest.approx(float(loss.detach()), rel=1e-6)
    assert int(mean.origins) == int(batch.valid.sum())


def test_a_step_of_one_batch_on_one_rank_is_left_alone() -> None:
    mean = WeightedMean(reference=7.0)
    loss = torch.tensor(0.1, requires_grad=True)
    assert mean.add(loss, torch.tensor(3.0), torch.tensor(5)) is loss
    assert mean.finish() is None
    assert torch.equal(mean.loss, loss.detach())
    assert int(mean.origins) == 5


def test_a_step_without_a_term_changes_nothing() -> None:
    mean = WeightedMean(batches=2, reference=7.0)
    for _ in range(2):
        mean.add(torch.tensor(0.0), torch.tensor(0.0), torch.tensor(0))
    factor = mean.finish()
    assert factor is not None
    assert factor.isfinite()
    assert float(mean.loss) == 0
