"""Equal work shared out over ranks: contiguous parts that together are the whole."""

from __future__ import annotations

from collections.abc import Iterator

from torch import Tensor

from tsconv.data.batches.chunks import tiles
from tsconv.data.batches.origin_range import OriginRange


def share_of(n: int, rank: int, size: int) -> slice:
    """The contiguous part of n equal pieces of work that one of `size` ranks has, maybe none.

    Parts differ by one piece at most.

    >>> [share_of(7, rank, size=3) for rank in range(3)]
    [slice(0, 2, None), slice(2, 4, None), slice(4, 7, None)]
    """
    return slice(n * rank // size, n * (rank + 1) // size)


def shared_tiles(
    origins: OriginRange, n_origins: int, n_chunks: int, rank: int, size: int
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield the batches of tiles that a rank scores: every origin once over all ranks.

    Args:
        origins: the range that all ranks score together.
        n_origins: steps of a tile.
        n_chunks: tiles of a batch.
        rank, size: each rank has a contiguous part of the tiles; a rank may have none.

    >>> from torch import tensor
    >>> one = OriginRange(tensor([10]), tensor([17]), tensor([20]))
    >>> [[first.tolist() for _, first in shared_tiles(one, 3, 2, rank, 2)] for rank in (0, 1)]
    [[[10]], [[13, 16]]]
    """
    yield from shared_batches(tiles(origins, n_origins), n_chunks, rank, size)


def shared_batches(
    chunks: tuple[Tensor, Tensor], n_chunks: int, rank: int, size: int
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield a rank's contiguous part of some chunks, `n_chunks` at a time.

    chunks: (N,) series and (N,) first origins.

    >>> from torch import arange
    >>> [first.tolist() for _, first in shared_batches((arange(5), arange(5)), 2, 1, 2)]
    [[2, 3], [4]]
    """
    series, first = chunks
    part = share_of(len(series), rank, size)
    for begin in range(part.start, part.stop, n_chunks):
        batch = slice(begin, min(begin + n_chunks, part.stop))
        yield series[batch], first[batch]


def tile_length(origins: OriginRange, longest: int, size: int) -> int:
    """Steps of a tile: `longest`, or less where that leaves ranks without a tile.

    >>> from torch import tensor
    >>> one = OriginRange(tensor([10]), tensor([17]), tensor([20]))
    >>> [tile_length(one, longest=8, size=size) for size in (1, 2, 5, 100)]
    [8, 4, 1, 1]
    """
    spans = origins.spans
    while longest > 1 and int(((spans + longest - 1) // longest).sum()) < size:
        longest = (longest + 1) // 2
    return longest
