"""Work shared out over ranks: nothing twice, nothing left out, parts of one size."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tsconv.data.batches.chunks import tiles
from tsconv.data.batches.origin_range import OriginRange
from tsconv.data.batches.share import share_of, shared_tiles, tile_length


@given(n=st.integers(0, 40), size=st.integers(1, 9))
def test_shares_are_contiguous_and_differ_by_one_at_most(n: int, size: int) -> None:
    parts = [share_of(n, rank, size) for rank in range(size)]
    assert [i for part in parts for i in range(n)[part]] == list(range(n))
    lengths = [part.stop - part.start for part in parts]
    assert max(lengths) - min(lengths) <= 1


@st.composite
def ragged(draw: st.DrawFn) -> OriginRange:
    """Up to five series, some without an origin."""
    n = draw(st.integers(1, 5))
    first = torch.tensor(draw(st.lists(st.integers(0, 6), min_size=n, max_size=n)))
    more = torch.tensor(draw(st.lists(st.integers(-2, 12), min_size=n, max_size=n)))
    return OriginRange(first, first + more, first + more + 3, stride=draw(st.integers(1, 4)))


@settings(max_examples=150, deadline=None)
@given(
    origins=ragged(),
    size=st.integers(1, 5),
    longest=st.integers(1, 9),
    n_chunks=st.integers(1, 4),
)
def test_each_origin_is_met_once_over_all_ranks(
    origins: OriginRange, size: int, longest: int, n_chunks: int
) -> None:
    length = tile_length(origins, longest, size)
    met, counts = [], []
    for rank in range(size):
        batches = list(shared_tiles(origins, length, n_chunks, rank, size))
        assert all(0 < len(series) <= n_chunks for series, _ in batches)
        counts.append(sum(len(series) for series, _ in batches))
        for series, first in batches:
            for s, f in zip(series.tolist(), first.tolist(), strict=True):
                start, last = int(origins.first[s]), int(origins.last[s])
                steps = range(f, min(f + length, last + 1))
                met += [(s, t) for t in steps if (t - start) % origins.stride == 0]
    expected = [
        (s, t)
        for s in range(len(origins.first))
        for t in range(int(origins.first[s]), int(origins.last[s]) + 1, origins.stride)
    ]
    assert met == expected  # in order, none twice
    assert max(counts) - min(counts) <= 1
    if int(origins.spans.sum()) >= size:
        assert min(counts) >= 1  # nobody waits while another has two steps to share


def test_one_rank_has_the_tiles_of_all() -> None:
    origins = OriginRange(torch.tensor([3, 0]), torch.tensor([12, 4]), torch.tensor([13, 5]))
    assert tile_length(origins, 4, size=1) == 4
    (series, first), *rest = shared_tiles(origins, 4, 100, rank=0, size=1)
    assert not rest
    assert torch.equal(series, tiles(origins, 4)[0])
    assert first.tolist() == [3, 7, 11, 0, 4]


@pytest.mark.parametrize(("size", "length"), [(1, 8), (2, 4), (3, 2), (8, 1), (50, 1)])
def test_tiles_are_shorter_where_ranks_would_have_none(size: int, length: int) -> None:
    one = OriginRange(torch.tensor([10]), torch.tensor([17]), torch.tensor([20]))
    assert tile_length(one, 8, size) == length
