"""The loss of distributions: one graph, finite for any counts, right against a plain loop."""

import pytest
import torch
from scipy import stats

from tests.helpers.networks import random_batch, random_net
from tsconv.config.schema import HeadConfig
from tsconv.data.batches.chunks import Batch
from tsconv.model.network import ForecastNet
from tsconv.training.step.dense_loss import dense_loss, validation_sums
from tsconv.training.step.training_step import autocast

HEADS = [
    ("normal", False),
    ("student_t", False),
    ("poisson", False),
    ("negative_binomial", False),
    ("negative_binomial", True),
]
ONES = torch.ones(2, 1, 1)


def config(kind: str, zero_inflated: bool = False) -> HeadConfig:
    return HeadConfig(kind, [0.1, 0.5, 0.9], "mae", "origin", zero_inflated)


def net_and_batch(kind: str, zero_inflated: bool = False) -> tuple[ForecastNet, Batch]:
    net = random_net(head=kind, zero_inflated=zero_inflated, quantiles=(0.1, 0.5, 0.9), dropout=0.0)
    net = net.float().train()
    torch.manual_seed(0)
    batch = random_batch(net, 2, 8)
    x, y = (torch.poisson(torch.full_like(v, 3.0)) for v in (batch.x, batch.y))
    return net, batch._replace(x=x, y=y)


@pytest.mark.parametrize(("kind", "zero_inflated"), [HEADS[1], HEADS[4]])
def test_nothing_breaks_the_graph(kind: str, zero_inflated: bool) -> None:
    net, batch = net_and_batch(kind, zero_inflated)
    head = config(kind, zero_inflated)
    compiled = torch.compile(dense_loss, backend="aot_eager", fullgraph=True, dynamic=False)
    plain, count = dense_loss(net, batch, ONES, head)
    torch.testing.assert_close(compiled(net, batch, ONES, head)[0], plain)
    value, terms, error, _ = validation_sums(net, batch, ONES, head)
    torch.testing.assert_close(value / terms, plain.double())
    assert terms == count
    assert error > 0


@pytest.mark.parametrize(("kind", "zero_inflated"), HEADS)
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("case", ["zeros", "large", "large beside zeros", "constant"])
def test_losses_and_gradients_are_finite(
    kind: str, zero_inflated: bool, precision: str, case: str
) -> None:
    net, batch = net_and_batch(kind, zero_inflated)
    x, y = torch.zeros_like(batch.x), torch.zeros_like(batch.y)
    if case == "constant":
        x, y = x + 7, y + 9
    elif case != "zeros":
        y[..., ::3] = 1e9
        x[..., :: 1 if case == "large" else 5] = 1e9
    with autocast(precision, torch.device("cpu")):
        loss, _ = dense_loss(net, batch._replace(x=x, y=y), ONES, config(kind, zero_inflated))
    loss.backward()
    assert loss.isfinite()
    assert loss.dtype == torch.float32
    assert all(p.grad is None or p.grad.isfinite().all() for p in net.parameters())


def test_the_loss_of_counts_is_the_mean_of_their_log_probabilities() -> None:
    net, batch = net_and_batch("negative_binomial")
    mask = torch.ones_like(batch.y_mask)
    mask[0, ..., 4:] = 0
    batch = batch._replace(y_mask=mask)
    loss, count = dense_loss(net, batch, ONES, config("negative_binomial"))
    mean, alpha = (v.detach().double() for v in net.head_output(batch.x, batch.mask, 8).parameters)
    terms = [
        -stats.nbinom.logpmf(
            float(batch.y[b, 0, 0, o + h]),
            1 / float(alpha[b, 0, 0, o, h]),
            1 / float(1 + alpha[b, 0, 0, o, h] * mean[b, 0, 0, o, h]),
        )
        for b in range(2)
        for o in range(8)
        for h in range(5)
        if mask[b, 0, 0, o + h]
    ]
    assert count == len(terms)
    torch.testing.assert_close(
        loss.double(), torch.tensor(sum(terms) / len(terms)), rtol=1e-5, atol=0
    )


def test_the_loss_of_real_values_is_in_trailing_deviations() -> None:
    net, batch = net_and_batch("normal")
    loss, _ = dense_loss(net, batch, ONES, config("normal"))
    times = batch._replace(x=100 * batch.x, y=100 * batch.y)
    torch.testing.assert_close(dense_loss(net, times, ONES, config("normal"))[0], loss)
    still = batch._replace(x=torch.full_like(batch.x, 3.0))
    nothing, count = dense_loss(net, still, ONES, config("normal"))
    assert count == 0
    assert nothing == 0
