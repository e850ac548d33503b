"""Which shard a series belongs to: decided by its id alone, the same on every machine."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt


def shard_of(series: str, count: int) -> int:
    """The shard of a series, from 0 to `count` - 1: the CRC-32 of its id modulo `count`.

    >>> shard_of("store 7", 8)
    2
    """
    return zlib.crc32(series.encode("utf-8", "surrogatepass")) % count


def shards_of(ids: Sequence[str], count: int) -> npt.NDArray[np.int64]:
    """(S,) the shard of each id.

    >>> shards_of(["store 7", "store 8"], 8).tolist()
    [2, 3]
    """
    return np.fromiter((shard_of(i, count) for i in ids), dtype="int64", count=len(ids))
