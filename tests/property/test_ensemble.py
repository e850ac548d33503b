"""Several networks at once: as exact and as causal at every origin as one of them."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.helpers.networks import masked, random_net
from tsconv.model.covariate_encoder import CovariateBatch
from tsconv.model.ensemble import EnsembleNet
from tsconv.model.windowed_reference import windowed_reference

B, H, W, HORIZON = 2, 2, 40, 5
PAIRS = {
    "rows": ({"rows": "pooled", "n_rows": H}, {"context_length": 20, "cross_row": "mean"}),
    "channels": ({"channels": "mixed", "n_targets": 2}, {"context_length": 3, "linear": False}),
    "calendar": ({"calendar": ("hour",)}, {"context_length": 30, "calendar": ("month",)}),
}


def ensemble_of(pair: str) -> EnsembleNet:
    common = {"quantiles": (0.1, 0.5, 0.9), "n_past": 1, "n_future": 1}
    return EnsembleNet([random_net(**common, **own) for own in PAIRS[pair]], [1, 3])


def data(
    net: EnsembleNet, seed: int, missing: float
) -> tuple[torch.Tensor, torch.Tensor, CovariateBatch]:
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(B, 3, H, W, generator=generator, dtype=torch.float64).cumsum(-1)
    mask = (torch.rand(x.shape, generator=generator) >= missing).double()
    shape = (B, net.spec.n_covariates, H, W + HORIZON)
    values = torch.randn(shape, generator=generator, dtype=torch.float64)
    none = values.new_zeros(B, 0, H)
    return masked(x, mask), mask, CovariateBatch(values, torch.ones_like(values), none, none)


@pytest.mark.parametrize("pair", PAIRS)
@given(
    seed=st.integers(0, 999),
    missing=st.sampled_from([0, 0.3, 0.9]),
    n_origins=st.integers(1, W),
)
@settings(max_examples=4)
def test_dense_equals_windows(pair: str, seed: int, missing: float, n_origins: int) -> None:
    net = ensemble_of(pair)
    x, mask, covariates = data(net, seed, missing)
    dense = net(x, mask, n_origins, covariates=covariates).values()
    windows = windowed_reference(net, x, mask, range(W - n_origins, W), covariates)
    torch.testing.assert_close(dense, windows, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("pair", PAIRS)
@given(
    seed=st.integers(0, 999),
    origin=st.integers(0, W - 2),
    missing=st.sampled_from([0.2, 0.9]),
    dtype=st.sampled_from([torch.float32, torch.float64]),
)
@settings(max_examples=8)
def test_the_future_changes_no_bit_of_the_past(
    pair: str, seed: int, origin: int, missing: float, dtype: torch.dtype
) -> None:
    """Series after the origin, and covariates beyond its horizon."""
    net = ensemble_of(pair).to(dtype)
    x, mask, covariates = data(net, seed, missing)
    x, mask, covariates = (
        x.to(dtype),
        mask.to(dtype),
        CovariateBatch(*(v.to(dtype) for v in covariates)),
    )
    before = net(x, mask, W, covariates=covariates).values()[:, :, :, : origin + 1]
    x, mask, values = x.clone(), mask.clone(), covariates.values.clone()
    x[..., origin + 1 :] = 1e6
    mask[..., origin + 1 :] = 1 - mask[..., origin + 1 :]
    values[..., origin + HORIZON + 1 :] += 3
    changed = covariates._replace(values=values)
    after = net(x * mask, mask, W, covariates=changed).values()[:, :, :, : origin + 1]
    assert torch.equal(before, after)


@given(
    seed=st.integers(0, 999),
    shift=st.floats(-1e4, 1e4),
    factor=st.sampled_from([1e-6, 0.5, 3.0, 1e6]),
)
@settings(max_examples=10)
def test_forecasts_move_with_the_series(seed: int, shift: float, factor: float) -> None:
    net = ensemble_of("calendar")
    x, mask, covariates = data(net, seed, 0.2)
    plain = net(x, mask, 20, covariates=covariates)
    moved = net(masked(factor * (x + shift), mask), mask, 20, covariates=covariates).values()
    known = plain.n_observed > 0
    expected = factor * (plain.values() + shift)
    size = factor * (abs(shift) + 1)
    torch.testing.assert_close(moved[known], expected[known], rtol=1e-6, atol=1e-7 * size)
