"""Ragged arrays against a plain loop over the series."""

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from tsconv.data.panel.ragged import (
    first_marked_step,
    first_observed,
    head_index,
    indptr_of,
    reduce_runs,
    run_lengths,
    run_starts,
    series_index,
    series_of,
    steps_within,
)

LENGTHS = st.lists(st.integers(1, 6), min_size=1, max_size=6)


@given(LENGTHS)
def test_where_each_series_stands(lengths: list[int]) -> None:
    indptr = indptr_of(np.array(lengths))
    index = series_index(indptr)
    assert index.tolist() == [s for s, n in enumerate(lengths) for _ in range(n)]
    assert run_starts(index).tolist() == indptr[:-1].tolist()
    assert run_lengths(indptr[:-1], len(index)).tolist() == lengths
    assert series_of(indptr, np.arange(len(index))).tolist() == index.tolist()
    steps = steps_within(torch.from_numpy(indptr))
    assert steps.tolist() == [step for n in lengths for step in range(n)]


@given(LENGTHS, st.integers(0, 2**32 - 1))
def test_reductions_are_those_of_each_series(lengths: list[int], seed: int) -> None:
    rng = np.random.default_rng(seed)
    indptr = indptr_of(np.array(lengths))
    values = rng.integers(0, 9, indptr[-1])
    parts = np.split(values, indptr[1:-1])
    assert reduce_runs(np.maximum, values, indptr[:-1]).tolist() == [p.max() for p in parts]
    flags = reduce_runs(np.add, values > 4, indptr[:-1], "int64")
    assert flags.tolist() == [int((p > 4).sum()) for p in parts]


@given(LENGTHS, st.integers(0, 2**32 - 1))
def test_first_observed_values_and_steps(lengths: list[int], seed: int) -> None:
    rng = np.random.default_rng(seed)
    indptr = indptr_of(np.array(lengths))
    values = rng.normal(size=(indptr[-1], 2))
    values[rng.random(values.shape) < 0.7] = np.nan
    seen = ~np.isnan(values)
    first = first_observed(values, indptr)
    step = first_marked_step(torch.from_numpy(seen[:, 0]), torch.from_numpy(indptr))
    for s, n in enumerate(lengths):
        part = slice(indptr[s], indptr[s + 1])
        for c in range(2):
            found = values[part, c][seen[part, c]]
            assert first[s, c] == (found[0] if len(found) else 0)
        assert step[s] == (seen[part, 0].argmax() if seen[part, 0].any() else n)


@given(LENGTHS, st.integers(1, 4))
def test_heads_are_the_first_steps_of_each_series(lengths: list[int], length: int) -> None:
    indptr = torch.from_numpy(indptr_of(np.array(lengths)))
    kept = torch.tensor(lengths).clamp_max(length)
    index, short = head_index(indptr, kept)
    assert short.diff().tolist() == kept.tolist()
    pairs = zip(indptr.tolist(), kept.tolist(), strict=False)
    assert index.tolist() == [i + step for i, n in pairs for step in range(n)]
