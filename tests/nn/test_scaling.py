"""Causal scaling against a loop over windows, and what must not change it."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from tsconv.nn.scaling import causal_scale, causal_scale_reference


@given(
    width=st.integers(1, 40),
    context=st.integers(1, 15),
    seed=st.integers(0, 10_000),
    share=st.sampled_from([0.0, 0.3, 0.9, 1.0]),
    level=st.sampled_from([0.0, 50.0]),
)
def test_equals_the_loop_over_windows(
    width: int, context: int, seed: int, share: float, level: float
) -> None:
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(2, width, generator=generator, dtype=torch.float64) + level
    mask = (torch.rand(2, width, generator=generator) >= share).double()
    got, expected = (f(x, mask, context) for f in (causal_scale, causal_scale_reference))
    for ours, theirs in zip(got, expected, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-7, atol=1e-9)


def test_values_under_the_mask_do_not_matter() -> None:
    x, mask = torch.randn(1, 30), (torch.rand(1, 30) > 0.4).float()
    other = torch.where(mask > 0, x, 1e6)
    for ours, theirs in zip(causal_scale(x, mask, 7), causal_scale(other, mask, 7), strict=True):
        assert torch.equal(ours, theirs)


def test_a_constant_window_has_no_spread() -> None:
    scale = causal_scale(torch.full((1, 20), 3.7), torch.ones(1, 20), 8)
    assert (scale.sigma == 0).all()
    assert (scale.inverse == 0).all()
    torch.testing.assert_close(scale.mu, torch.full((1, 20), 3.7))


def test_a_tiny_series_is_scaled_like_a_large_one() -> None:
    x = torch.randn(1, 50, dtype=torch.float64)
    large, tiny = (causal_scale(k * x, torch.ones(1, 50), 10) for k in (1e9, 1e-9))
    torch.testing.assert_close(large.sigma / 1e9, tiny.sigma * 1e9, rtol=1e-9, atol=0)


def test_later_steps_leave_earlier_ones_bitwise_equal() -> None:
    x, mask = torch.randn(1, 60), torch.ones(1, 60)
    changed = x.clone()
    changed[:, 40:] = 1e5
    for before, after in zip(causal_scale(x, mask, 9), causal_scale(changed, mask, 9), strict=True):
        assert torch.equal(before[:, :40], after[:, :40])


def test_a_step_outside_the_window_cannot_change_a_bit() -> None:
    x = torch.randn(1, 60, dtype=torch.float64)
    spiked = x.clone()
    spiked[:, 10] = 1e12
    for plain, after in zip(
        *(causal_scale(v, torch.ones(1, 60), 9) for v in (x, spiked)), strict=True
    ):
        assert torch.equal(plain[:, 19:], after[:, 19:])
