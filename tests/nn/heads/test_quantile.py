"""Heads: quantiles rise by construction, whatever the weights."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tsconv.errors import ConfigError
from tsconv.nn.heads import PointHead, QuantileHead

DECILES = [q / 10 for q in range(1, 10)]


@given(seed=st.integers(0, 1000), size=st.sampled_from([0.1, 3.0, 50.0]))
def test_quantiles_cannot_cross(seed: int, size: float) -> None:
    torch.manual_seed(seed)
    head = QuantileHead(6, 4, DECILES)
    torch.nn.init.normal_(head.project.weight, std=size)
    torch.nn.init.normal_(head.project.bias, std=size)
    out = torch.stack(head(torch.randn(2, 3, 6), torch.randn(2, 3, 4)), -1)
    assert out.shape == (2, 3, 4, 9)
    assert (out.diff(dim=-1) >= 0).all()


def test_starts_as_a_normal_around_the_centre() -> None:
    centre = torch.randn(1, 1, 4)
    out = torch.stack(QuantileHead(6, 4, [0.1, 0.5, 0.9])(torch.randn(1, 1, 6), centre), -1)
    spread = torch.tensor([-1.2816, 0.0, 1.2816]) / 2
    torch.testing.assert_close(out, centre.unsqueeze(-1) + spread, rtol=0, atol=1e-3)


def test_the_median_of_a_quantile_head_is_its_own_output() -> None:
    head = QuantileHead(6, 2, [0.25, 0.5])
    torch.nn.init.normal_(head.project.weight)
    state, centre = torch.randn(1, 1, 6), torch.zeros(1, 1, 2)
    torch.testing.assert_close(head(state, centre)[1], head.project(state)[..., 2:])


def test_a_point_head_adds_to_the_centre() -> None:
    centre = torch.randn(2, 3, 4)
    assert torch.equal(PointHead(6, 4)(torch.randn(2, 3, 6), centre)[0], centre)


@pytest.mark.parametrize("levels", [[], [0.1, 0.9], [0.5, 0.1], [0.0, 0.5], [0.5, 1.0], [0.5, 0.5]])
def test_levels_must_rise_and_hold_the_median(levels: list[float]) -> None:
    with pytest.raises(ConfigError, match="`quantiles`"):
        QuantileHead(4, 2, levels)
