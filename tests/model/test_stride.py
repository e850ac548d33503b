"""Every k-th origin alone is forecast as among all, and most of the stack's steps are skipped."""

from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.helpers.networks import random_net
from tsconv.model.covariate_encoder import CovariateBatch
from tsconv.model.ensemble import EnsembleNet, Network
from tsconv.nn.block import TemporalBlock

NETS: dict[str, Callable[[], Network]] = {
    "one": random_net,
    "together": lambda: EnsembleNet([random_net(context_length=3), random_net()]),
    "deep": lambda: random_net(levels=4, stacks=2, skip=True, kernel_size=2),
    "alone": lambda: random_net(stack=False),
    "rows": lambda: random_net(n_rows=2, rows="separate", cross_row="dense"),
    "mixed": lambda: random_net(channels="mixed", n_targets=2),
    "by_series": lambda: random_net(n_series=4, series="separate"),
    "maps_by_series": lambda: random_net(n_series=4, maps="pooled", n_targets=1),
    "counts": lambda: random_net(head="poisson", quantiles=(0.1, 0.5, 0.9)),
    "known_ahead": lambda: random_net(n_future=1),
    "known_ahead_of_two": lambda: random_net(n_future=1, n_targets=2, channels="mixed"),
}


@settings(max_examples=60)
@given(
    name=st.sampled_from(sorted(NETS)),
    n_origins=st.integers(1, 30),
    stride=st.integers(1, 20),
    seed=st.integers(0, 100),
)
def test_some_origins_are_forecast_as_among_all(
    name: str, n_origins: int, stride: int, seed: int
) -> None:
    net, generator = NETS[name](), torch.Generator().manual_seed(seed)
    targets, n_rows = net.spec.n_targets or 1, net.spec.n_rows or 1
    shape = (4, targets, n_rows, net.history + n_origins)
    x = torch.randint(1, 9, shape, generator=generator).double()
    mask = (torch.rand(shape, generator=generator) < 0.9).double()
    covariates = None
    if net.spec.n_covariates:
        ahead = torch.randn(
            4, 1, n_rows, shape[-1] + net.spec.horizon, generator=generator, dtype=torch.float64
        )
        static = torch.zeros(4, 0, n_rows, dtype=torch.float64)
        covariates = CovariateBatch(ahead, torch.ones_like(ahead), static, static)
    members = torch.arange(4) if net.by_series else None
    arguments = (x * mask, mask, n_origins, members, covariates)
    some, every = net(*arguments, stride=stride), net(*arguments)
    first = (n_origins - 1) % stride
    for ours, theirs in zip(some.levels, every.levels, strict=True):
        torch.testing.assert_close(ours, theirs[..., first::stride, :], rtol=1e-10, atol=1e-10)
    for key in ("mu", "sigma", "inverse", "n_observed"):
        ours, theirs = getattr(some, key), getattr(every, key)[..., first::stride]
        torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize(("stride", "blocks"), [(1, 7.0), (16, 1.2), (32, 1.1), (6, 3.2)])
def test_a_stride_that_two_divides_skips_most_steps(stride: int, blocks: float) -> None:
    """blocks: how many blocks over all steps would be as much work, of seven."""
    net = random_net(levels=7, hidden=2)
    n_origins, computed = 32 * 300 + 1, 0

    def count(block: torch.nn.Module, given: object, out: torch.Tensor) -> None:
        nonlocal computed
        computed += out.shape[-2]

    for module in net.modules():
        if isinstance(module, TemporalBlock):
            module.register_forward_hook(count)
    x = torch.ones(1, 1, net.history + n_origins, dtype=torch.float64)
    net(x, x, n_origins, stride=stride)
    assert computed / n_origins == pytest.approx(blocks, rel=0.1)
