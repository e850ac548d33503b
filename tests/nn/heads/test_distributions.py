"""Heads of distributions: trained by their likelihood, they find what the data were drawn from."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from tsconv.errors import ConfigError
from tsconv.nn.heads import (
    DISTRIBUTION_HEADS,
    HEADS,
    Head,
    NegativeBinomialHead,
    NormalHead,
    PoissonHead,
    StudentTHead,
    make_head,
)

LEVELS = tuple(q / 10 for q in range(1, 10))
KINDS = [
    ("normal", False),
    ("student_t", False),
    ("poisson", False),
    ("negative_binomial", False),
    ("poisson", True),
    ("negative_binomial", True),
]
# What is drawn from, and the parameters that training is to find, as the head gives them.
TRUE = {
    ("normal", False): (0.7, 2.0),
    ("student_t", False): (0.7, 2.0, 4.0),
    ("poisson", False): (3.5,),
    ("negative_binomial", False): (6.0, 0.8),
    ("poisson", True): (3.5, -0.4),
    ("negative_binomial", True): (60.0, 0.5, -0.4),
}
N = 6_000


def drawn(kind: str, zero_inflated: bool) -> torch.Tensor:
    rng = np.random.default_rng(3)
    loc, *rest = TRUE[kind, zero_inflated]
    if kind == "normal":
        y = rng.normal(loc, rest[0], N)
    elif kind == "student_t":
        y = loc + rest[0] * rng.standard_t(rest[1], N)
    elif kind == "poisson":
        y = rng.poisson(loc, N).astype(float)
    else:
        y = rng.negative_binomial(1 / rest[0], 1 / (1 + rest[0] * loc), N).astype(float)
    if zero_inflated:
        y = np.where(rng.random(N) < 1 / (1 + math.exp(-rest[-1])), 0, y)
    return torch.from_numpy(y).float().view(N, 1, 1)


def trained(head: Head, y: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """The parameters at the highest likelihood over the biases alone."""
    state, centre = torch.zeros(1, 1, 2), torch.ones(1, 1, 1)
    unit = y.mean() if head.whole else torch.ones(())
    optimizer = torch.optim.LBFGS(
        [head.project.get_parameter("bias")], max_iter=40, line_search_fn="strong_wolfe"
    )

    def loss() -> torch.Tensor:
        optimizer.zero_grad()
        parts = head(state, centre)
        value = -head.log_likelihood((parts[0] * unit, *parts[1:]), y).mean()
        value.backward()
        return value

    optimizer.step(loss)
    parts = head(state, centre)
    return tuple(v.detach() for v in (parts[0] * unit, *parts[1:]))


@pytest.mark.parametrize(("kind", "zero_inflated"), KINDS)
def test_training_finds_the_distribution_of_the_data(kind: str, zero_inflated: bool) -> None:
    """Parameters within their standard errors, and a flat histogram of ranks (PIT)."""
    y = drawn(kind, zero_inflated)
    head = make_head(kind, 2, 1, LEVELS, zero_inflated)
    found = trained(head, y)
    expected = torch.tensor(TRUE[kind, zero_inflated])
    torch.testing.assert_close(torch.cat(found).flatten(), expected, rtol=0.15, atol=0.1)
    jitter = torch.rand(y.shape, generator=torch.Generator().manual_seed(1)) - 0.5
    at = y + jitter if head.whole else y
    levels = head.levels(found, LEVELS)
    bins = sum((at > level).long() for level in levels)  # 0 to 9: between which levels it lies
    counts = torch.bincount(bins.flatten(), minlength=10).numpy()
    assert stats.chisquare(counts).pvalue > 1e-3, counts
    mean = head.mean(found)
    assert mean is not None
    torch.testing.assert_close(mean.flatten(), y.mean().view(1), rtol=0.05, atol=0.05)


@pytest.mark.parametrize(("kind", "zero_inflated"), KINDS)
@given(seed=st.integers(0, 999), size=st.sampled_from([0.1, 3.0, 40.0]))
@settings(max_examples=12)
def test_any_state_gives_rising_levels_and_finite_losses(
    kind: str, zero_inflated: bool, seed: int, size: float
) -> None:
    torch.manual_seed(seed)
    head = make_head(kind, 6, 4, LEVELS, zero_inflated)
    torch.nn.init.normal_(head.project.weight, std=size)
    torch.nn.init.normal_(head.project.get_parameter("bias"), std=size)
    found = head(torch.randn(2, 3, 6), torch.randn(2, 3, 4))
    levels = torch.stack(head.levels(found, LEVELS), -1)
    assert levels.shape == (2, 3, 4, 9)
    assert levels.isfinite().all()
    assert (levels.diff(dim=-1) >= 0).all()
    y = torch.tensor([0.0, 1.0, 3.0, 1e9 if head.whole else 1e6])
    loss = -head.log_likelihood(found, y).mean()
    loss.backward()
    assert loss.isfinite()
    assert all(p.grad is None or p.grad.isfinite().all() for p in head.parameters())


@pytest.mark.parametrize("kind", DISTRIBUTION_HEADS)
def test_an_untrained_head_lies_around_its_centre(kind: str) -> None:
    head = make_head(kind, 3, 2, LEVELS)
    centre = torch.tensor([[[1.0, 2.5]]])
    mean = head.mean(head(torch.randn(1, 1, 3), centre))
    assert mean is not None
    torch.testing.assert_close(mean, centre, rtol=1e-4, atol=1e-4)


def test_heads_start_from_the_quantiles_of_residuals() -> None:
    z = torch.tensor(stats.norm.ppf(LEVELS), dtype=torch.float32)
    found = 0.1 + 0.8 * torch.stack([z, 2 * z], -1)  # (Q, 2)
    state, centre = torch.zeros(1, 1, 3), torch.zeros(1, 1, 2)
    normal = NormalHead(3, 2, LEVELS)
    normal.start_from(found)
    loc, scale = normal(state, centre)
    torch.testing.assert_close(loc.flatten(), torch.tensor([0.1, 0.1]), atol=1e-5, rtol=0)
    torch.testing.assert_close(scale.flatten(), torch.tensor([0.8, 1.6]), atol=1e-4, rtol=0)
    student = StudentTHead(3, 2, LEVELS)
    student.start_from(found)
    low, high = student.levels(student(state, centre), (0.1, 0.9))
    torch.testing.assert_close((high - low).flatten(), found[-1] - found[0], atol=0, rtol=0.03)
    counts = NegativeBinomialHead(3, 2, LEVELS, zero_inflated=True)
    counts.start_from(found, alpha=1.25)
    assert counts(state, centre).alpha.flatten().tolist() == pytest.approx([1.25, 1.25], abs=1e-5)


def test_the_mean_of_a_count_is_never_zero_and_is_its_centre_above() -> None:
    (mean,) = PoissonHead(3, 5, LEVELS)(
        torch.zeros(1, 1, 3), torch.tensor([[[-100.0, -1.0, 0.0, 0.5, 30.0]]])
    )
    assert (mean > 0).all()
    torch.testing.assert_close(mean[0, 0, 3:], torch.tensor([0.5, 30.0]), rtol=2e-3, atol=0)


def test_what_does_not_go_together_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"`head.zero_inflated` .* set head=negative_binomial"):
        make_head("normal", 4, 2, LEVELS, zero_inflated=True)
    with pytest.raises(ConfigError, match=r"`head` \(=cauchy\)"):
        make_head("cauchy", 4, 2, LEVELS)
    with pytest.raises(ConfigError, match="`quantiles`"):
        make_head("poisson", 4, 2, [0.1, 0.9])
    head = make_head("normal", 4, 1, LEVELS)
    found = head(torch.zeros(1, 1, 4), torch.zeros(1, 1, 1))
    with pytest.raises(ConfigError, match="must rise strictly between 0 and 1"):
        head.levels(found, (0.9, 0.1))
    quantiles = make_head(None, 4, 1, (0.1, 0.5))
    with pytest.raises(ConfigError, match=r"trained for \(0.1, 0.5\): 0.2 is not"):
        quantiles.levels(quantiles(torch.zeros(1, 1, 4), torch.zeros(1, 1, 1)), (0.2,))
    assert set(DISTRIBUTION_HEADS) < set(HEADS)
