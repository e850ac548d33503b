"""A part of the work of a training, and what all of it would take."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable

import torch

from tsconv.data.batches.origin_range import OriginRange
from tsconv.data.batches.split import Split

_FIRST = 2**-7  # share of the work that is tried first
_GROWTH, _LAST_GROWTH = 4.0, 2.0  # from one try to the next
_LEAST_ORIGINS = 256  # of the first try


def seconds_of_all(run: Callable[[float], object], first: float, enough: float) -> float:
    """The seconds that `run(1.0)` would take for the first time, from runs on shares of its work.

    Shares grow until a run takes `enough` seconds more than the first share does, or is the whole.
    Else the line through the last two runs tells what the whole would take. Work whose cost grows
    by less than its share does is then told too high: the last two shares lie close together. The
    first run of all tells how much longer it takes in a process that has not run it yet.

    >>> seconds_of_all(lambda share: time.sleep(0.01), first=1.0, enough=1.0) < 1
    True
    """
    cold = _timed(run, first)
    if first >= 1.0:
        return cold
    found = [(first, _timed(run, first))]
    warming = max(0.0, cold - found[0][1])
    grown = False
    while found[-1][0] < 1.0 and not grown:
        grown = len(found) > 1 and found[-1][1] - found[0][1] >= enough
        share = min(1.0, (_LAST_GROWTH if grown else _GROWTH) * found[-1][0])
        found.append((share, _timed(run, share)))
    (x0, t0), (x1, t1) = found[-2:]
    return warming + t1 + max(0.0, t1 - t0) / (x1 - x0) * (1.0 - x1)


def _timed(run: Callable[[float], object], share: float) -> float:
    begun = time.perf_counter()
    run(share)
    return time.perf_counter() - begun


def first_share(origins: OriginRange) -> float:
    """The share of a part that is tried first: few origins, but not next to none."""
    return min(1.0, max(_FIRST, _LEAST_ORIGINS / max(1, int(origins.counts.sum()))))


def thinned(origins: OriginRange, share: float) -> OriginRange:
    """About a share of a part's origins: some series with all of theirs, spread over all series.

    Where that is less than a series, the first origins of one.

    >>> part = OriginRange(torch.zeros(4).long(), torch.full((4,), 9), torch.full((4,), 12))
    >>> thinned(part, 0.5).counts.tolist(), thinned(part, 0.1).counts.tolist()
    ([10, 0, 10, 0], [4, 0, 0, 0])
    """
    if share >= 1.0:
        return origins
    some = (origins.counts > 0).nonzero().flatten()
    count = max(1, round(share * len(some)))
    kept = some[torch.arange(count) * len(some) // count]
    last = origins.first - 1
    spans = origins.spans[kept]
    if share * len(some) < 1:
        spans = (share * len(some) * spans).long().clamp_min(1)
    last = last.index_copy(0, kept, origins.first[kept] + spans - 1)
    return dataclasses.replace(origins, last=last)


def thinned_split(split: Split, share: float) -> Split:
    """A split whose parts are thinned alike; what lies where stays."""
    val, test = (None if part is None else thinned(part, share) for part in (split.val, split.test))
    return dataclasses.replace(split, train=thinned(split.train, share), val=val, test=test)
