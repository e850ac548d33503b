"""Heads of distributions keep what makes dense origins exact: causality, and series apart."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.helpers.networks import masked, random_net
from tsconv.errors import ConfigError
from tsconv.model.components import median_components
from tsconv.model.ensemble import EnsembleNet
from tsconv.model.network import ForecastNet
from tsconv.model.spec import NetSpec
from tsconv.model.windowed_reference import windowed_reference
from tsconv.nn.heads import COUNT_HEADS

HEADS = ["normal", "student_t", "poisson", "negative_binomial", "zero_inflated"]
QUANTILES = (0.1, 0.5, 0.9)


def net_of(head: str, **settings: object) -> ForecastNet:
    if head == "zero_inflated":
        settings |= {"head": "negative_binomial", "zero_inflated": True}
    return random_net(quantiles=QUANTILES, **{"head": head, **settings})


def counts(shape: tuple[int, ...], seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Small counts, those of the last series up to thousands; a fifth is missing."""
    generator = torch.Generator().manual_seed(seed)
    rate = torch.exp(torch.randn(shape, generator=generator, dtype=torch.float64))
    rate[-1] *= 1000
    x = torch.poisson(rate, generator=generator)
    mask = (torch.rand(shape, generator=generator) >= 0.2).double()
    return masked(x, mask), mask


@pytest.mark.parametrize("head", HEADS)
@given(seed=st.integers(0, 999), width=st.integers(2, 40), o=st.integers(1, 6))
@settings(max_examples=3)
def test_dense_equals_windows(head: str, seed: int, width: int, o: int) -> None:
    net = net_of(head)
    x, mask = counts((2, 1, width), seed)
    n_origins = min(o, width)
    dense = net(x, mask, n_origins).values()
    windows = windowed_reference(net, x, mask, range(width - n_origins, width))
    torch.testing.assert_close(dense, windows, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("head", HEADS)
@given(
    seed=st.integers(0, 999),
    origin=st.integers(20, 58),
    dtype=st.sampled_from([torch.float32, torch.float64]),
)
@settings(max_examples=6)
def test_the_future_changes_no_bit_of_the_past(
    head: str, seed: int, origin: int, dtype: torch.dtype
) -> None:
    net = net_of(head).to(dtype)
    x, mask = (v.to(dtype) for v in counts((2, 1, 60), seed))
    changed, seen = x.clone(), mask.clone()
    changed[..., origin + 1 :] = 1e6
    seen[..., origin + 1 :] = 1 - seen[..., origin + 1 :]
    before, after = net(x, mask, 60), net(changed * seen, seen, 60)
    assert before.mean is not None
    assert after.mean is not None
    past = slice(None, origin + 1)
    assert torch.equal(before.values()[:, :, past], after.values()[:, :, past])
    assert torch.equal(before.mean[:, :, past], after.mean[:, :, past])


@pytest.mark.parametrize("head", HEADS)
@given(seed=st.integers(0, 999))
@settings(max_examples=4)
def test_one_series_leaves_the_others_alone(head: str, seed: int) -> None:
    net = net_of(head)
    x, mask = counts((3, 1, 50), seed)
    other = x.clone()
    other[1, 0, 30:] = 1e5
    before, after = net(x, mask, 15).values(), net(other, mask, 15).values()
    assert torch.equal(before[[0, 2]], after[[0, 2]])
    assert not torch.equal(before[1], after[1])


@pytest.mark.parametrize("head", HEADS)
def test_zeros_alone_and_nothing_at_all_are_forecast_sensibly(head: str) -> None:
    spec = net_of(head).spec
    net = ForecastNet(spec).eval()  # as it starts
    x = torch.zeros(2, 1, 40)
    mask = torch.ones_like(x)
    mask[1] = 0
    out = net(x, mask, 3)
    assert out.values().isfinite().all()
    assert out.mean is not None
    assert out.mean.isfinite().all()
    assert (out.n_observed[1] == 0).all()
    if net.whole:  # half a count in a context of 12 zeros, and one more
        torch.testing.assert_close(
            out.mean[0], torch.full_like(out.mean[0], 0.5 / 13), rtol=0.06, atol=0
        )
    else:
        assert (out.values()[0] == 0).all()


@pytest.mark.parametrize("head", HEADS)
def test_any_levels_alone_or_as_an_average(head: str) -> None:
    net = net_of(head)
    x, mask = counts((2, 1, 50), 0)
    out = net(x, mask, 9, quantiles=(0.025, 0.1, 0.5))
    torch.testing.assert_close(out.values()[..., 1:], net(x, mask, 9).values()[..., :2])
    assert net.has_distribution
    assert net.whole == (head in (*COUNT_HEADS, "zero_inflated"))
    both = EnsembleNet([net, net_of(head, context_length=20)]).eval()
    average = both(x, mask, 9, quantiles=(0.025, 0.5))
    assert average.values().shape[-1] == 2
    assert (both.whole, both.has_distribution) == (net.whole, True)
    parts = [one(x, mask, 9, quantiles=(0.025, 0.5)) for one in both.members]
    known = average.n_observed > 0
    mean = sum(p.values() for p in parts) / 2
    torch.testing.assert_close(average.values()[known], mean[known], rtol=1e-9, atol=1e-9)
    means = [p.mu[..., None] + p.sigma[..., None] * p.mean for p in (*parts, average)]
    torch.testing.assert_close(means[2][known], ((means[0] + means[1]) / 2)[known])


def test_heads_without_a_distribution_give_the_levels_of_their_training() -> None:
    net = random_net(quantiles=QUANTILES)
    x, mask = counts((2, 1, 50), 0)
    out = net(x, mask, 4, quantiles=(0.1, 0.9))
    assert torch.equal(out.values(), net(x, mask, 4).values()[..., [0, 2]])
    assert out.mean is None
    assert not net.has_distribution
    assert not net.whole
    for one in (net, EnsembleNet([net, net]), random_net()):
        with pytest.raises(ConfigError, match=r"trained for .*: 0.95 is not"):
            one(x, mask, 4, quantiles=(0.5, 0.95))


def test_networks_of_other_heads_are_not_averaged() -> None:
    with pytest.raises(ConfigError, match="must have the same `head`"):
        EnsembleNet([net_of("normal"), net_of("student_t")])
    with pytest.raises(ConfigError, match="must have the same `zero_inflated`"):
        EnsembleNet([net_of("negative_binomial"), net_of("zero_inflated")])


def test_specs_of_other_heads_are_written_as_before() -> None:
    plain = NetSpec(7, 28, quantiles=QUANTILES).as_dict()
    assert "head" not in plain
    assert "zero_inflated" not in plain
    ours = net_of("zero_inflated").spec
    assert NetSpec.from_dict(ours.as_dict()) == ours
    with pytest.raises(ConfigError, match=r"`head` \(=cauchy\)"):
        NetSpec(7, 28, quantiles=QUANTILES, head="cauchy").check()
    with pytest.raises(ConfigError, match="`quantiles`"):
        NetSpec(7, 28, head="normal").check()


@pytest.mark.parametrize("head", HEADS)
def test_the_parts_of_a_median_add_up_where_it_is_a_sum(head: str) -> None:
    net = net_of(head)
    x, mask = counts((2, 1, 50), 0)
    if net.whole:
        with pytest.raises(ConfigError, match="`components` need a head whose median is a sum"):
            median_components(net, x, mask, 5)
        return
    parts = median_components(net, x, mask, 5, season=7)
    median = net(x, mask, 5, quantiles=(0.5,)).values().squeeze(-1)
    torch.testing.assert_close(sum(parts.values()), median, rtol=1e-9, atol=1e-9)
