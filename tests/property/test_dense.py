"""What makes dense origins exact: the properties that the product rests on."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.helpers.networks import masked, random_net
from tsconv.model.windowed_reference import windowed_reference

HEADS = [None, (0.1, 0.5, 0.9)]
shapes = st.tuples(st.integers(1, 3), st.integers(1, 2), st.integers(2, 70))


def data(
    shape: tuple[int, int, int], seed: int, missing: float
) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(shape, generator=generator, dtype=torch.float64).cumsum(-1)
    mask = (torch.rand(shape, generator=generator) >= missing).double()
    return masked(x, mask), mask


@pytest.mark.parametrize("quantiles", HEADS)
@given(
    shape=shapes,
    seed=st.integers(0, 999),
    missing=st.sampled_from([0, 0.3, 0.8]),
    o=st.integers(1, 70),
)
@settings(max_examples=60)
def test_dense_equals_windows(
    quantiles: tuple[float, ...] | None,
    shape: tuple[int, int, int],
    seed: int,
    missing: float,
    o: int,
) -> None:
    """At every origin, with gaps, and with series shorter than the receptive field."""
    net = random_net(quantiles=quantiles)
    x, mask = data(shape, seed, missing)
    n_origins = min(o, shape[-1])
    dense = net(x, mask, n_origins).values()
    windows = windowed_reference(net, x, mask, range(shape[-1] - n_origins, shape[-1]))
    torch.testing.assert_close(dense, windows, rtol=0, atol=1e-10)


@pytest.mark.parametrize("quantiles", HEADS)
@given(
    seed=st.integers(0, 999),
    origin=st.integers(20, 58),
    dtype=st.sampled_from([torch.float32, torch.float64]),
)
@settings(max_examples=40)
def test_the_future_changes_no_bit_of_the_past(
    quantiles: tuple[float, ...] | None, seed: int, origin: int, dtype: torch.dtype
) -> None:
    net = random_net(quantiles=quantiles).to(dtype)
    x, mask = data((2, 1, 60), seed, 0.2)
    x, mask = x.to(dtype), mask.to(dtype)
    before = net(x, mask, 60).values()[:, :, : origin + 1]
    changed, seen = x.clone(), mask.clone()
    changed[..., origin + 1 :] = 1e6
    seen[..., origin + 1 :] = 1 - seen[..., origin + 1 :]
    after = net(changed * seen, seen, 60).values()[:, :, : origin + 1]
    assert torch.equal(before, after)


def test_the_step_of_the_origin_itself_does_count() -> None:
    net = random_net()
    x, mask = data((1, 1, 60), 0, 0)
    changed = x.clone()
    changed[..., 40] += 1
    before, after = (net(v, mask, 60).values() for v in (x, changed))
    assert (before[:, :, 40] != after[:, :, 40]).any()


@given(seed=st.integers(0, 999))
@settings(max_examples=30)
def test_permuting_series_permutes_forecasts(seed: int) -> None:
    net = random_net()
    x, mask = data((5, 2, 50), seed, 0.2)
    order = torch.randperm(5, generator=torch.Generator().manual_seed(seed))
    together = net(x, mask, 9).values()[order]
    torch.testing.assert_close(net(x[order], mask[order], 9).values(), together, rtol=0, atol=1e-11)


@given(seed=st.integers(0, 999))
@settings(max_examples=30)
def test_one_series_leaves_the_others_alone(seed: int) -> None:
    """A hole, or a wild value, in one series and channel stays there."""
    net = random_net()
    x, mask = data((3, 2, 50), seed, 0)
    other, seen = x.clone(), mask.clone()
    other[1, 0, 30:] = 0
    seen[1, 0, 30:] = 0
    before, after = net(x, mask, 15).values(), net(other, seen, 15).values()
    same = torch.ones(3, 2, dtype=torch.bool)
    same[1, 0] = False
    assert torch.equal(before[same], after[same])
    assert not torch.equal(before[~same], after[~same])


@given(
    seed=st.integers(0, 999),
    shift=st.floats(-1e4, 1e4),
    factor=st.sampled_from([1e-6, 0.5, 3.0, 1e6]),
    quantiles=st.sampled_from(HEADS),
)
@settings(max_examples=40)
def test_forecasts_move_with_the_series(
    seed: int, shift: float, factor: float, quantiles: tuple[float, ...] | None
) -> None:
    net = random_net(quantiles=quantiles)
    x, mask = data((2, 1, 60), seed, 0.2)
    plain = net(x, mask, 20)
    moved = net(masked(factor * (x + shift), mask), mask, 20).values()
    known = plain.n_observed > 0  # before the first observation there is nothing that could move
    expected = factor * (plain.values() + shift)
    size = factor * (abs(shift) + 1)
    torch.testing.assert_close(moved[known], expected[known], rtol=1e-6, atol=1e-7 * size)


def test_a_constant_series_is_forecast_to_stay() -> None:
    net = random_net(quantiles=(0.1, 0.5, 0.9))
    out = net(torch.full((1, 1, 40), 4.25, dtype=torch.float64), torch.ones(1, 1, 40), 3).values()
    torch.testing.assert_close(out, torch.full_like(out, 4.25), rtol=0, atol=1e-12)


def test_no_observation_gives_a_finite_answer_and_a_count_of_zero() -> None:
    out = random_net()(torch.zeros(1, 1, 30, dtype=torch.float64), torch.zeros(1, 1, 30), 4)
    assert (out.n_observed == 0).all()
    assert out.values().isfinite().all()
