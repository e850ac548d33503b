"""Quantiles in passes are those of numpy over all values at once."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.helpers.examples import examples
from tsconv.data.quantiles import Selection, quantiles

LEVELS = (0.0, 0.01, 0.3, 0.5, 0.99, 1.0)


def column(seed: int, n: int, decimals: int, order: str) -> np.ndarray:
    """Values with ties and NaN, mixed or sorted: a sample of a sorted column misses nothing."""
    rng = np.random.default_rng(seed)
    values = np.round(rng.normal(size=n) * 10, decimals)
    values[rng.random(n) < 0.2] = np.nan
    return np.sort(values) if order == "sorted" else values


@settings(max_examples=examples(60), deadline=None)
@given(
    seed=st.integers(0, 9999),
    n=st.integers(0, 600),
    decimals=st.integers(-1, 3),
    order=st.sampled_from(["mixed", "sorted"]),
    most=st.integers(40, 100),
    block=st.integers(1, 200),
)
def test_all_levels_are_exact(
    seed: int, n: int, decimals: int, order: str, most: int, block: int
) -> None:
    values = column(seed, n, decimals, order)
    found = Selection(LEVELS, most)
    while not found.is_done:
        for begin in range(0, n, block):
            found.add(values[begin : begin + block])
        found.finish()
    seen = values[~np.isnan(values)]
    assert found.quantiles == (np.quantile(seen, LEVELS).tolist() if len(seen) else [])


def test_a_sample_that_misleads_costs_passes_but_no_digit() -> None:
    """Every other value, which is what is kept, is large."""
    values = np.where(np.arange(20_000) % 2, -np.arange(20_000.0), np.arange(20_000.0))
    passes = 0
    found = Selection([0.25], most=1024)
    while not found.is_done:
        passes += 1
        found.add(values)
        found.finish()
    assert found.quantiles == [np.quantile(values, 0.25)]
    assert passes > 2


def test_memory_is_for_the_sample_alone() -> None:
    found = Selection([0.5], most=1024)
    for block in np.array_split(np.random.default_rng(0).normal(size=100_000), 50):
        found.add(block)
        assert found._searches[0]._used <= 1024


def test_columns_have_their_own_levels() -> None:
    one, two = np.arange(9.0), np.arange(100.0)
    assert quantiles([[0.5], [0.1, 0.9]], lambda: [[one, two]]) == [
        [4.0],
        pytest.approx([9.9, 89.1]),
    ]
