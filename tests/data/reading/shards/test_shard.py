"""Which shard a series belongs to."""

from __future__ import annotations

import zlib

import numpy as np

from tsconv.data.reading.shards.shard import shard_of, shards_of


def test_a_shard_is_the_checksum_of_the_id() -> None:
    for name in ("s1", "007", "north/ale", "Zürich", ""):
        assert shard_of(name, 7) == zlib.crc32(name.encode("utf-8")) % 7


def test_series_are_spread_evenly() -> None:
    counts = np.bincount(shards_of([f"store_{i}" for i in range(64_000)], 64), minlength=64)
    assert counts.min() > 800
    assert counts.max() < 1200
