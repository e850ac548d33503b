"""Templates: the same times for all series, evenly but not regularly spread."""

import pandas as pd
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.helpers.panels import panel_of
from tsconv.calibration.templates import template_count, template_origins
from tsconv.data.batches.common_grid import common_grid
from tsconv.data.batches.origin_range import OriginRange
from tsconv.data.panel.panel import Panel


def panel(begins: list[int], lengths: list[int]) -> Panel:
    parts = [
        pd.DataFrame({"unique_id": f"s{i}", "ds": range(b, b + n), "y": 1.0})
        for i, (b, n) in enumerate(zip(begins, lengths, strict=True))
    ]
    return panel_of(pd.concat(parts), freq="1")


def last_origins(some: Panel, count: int, stride: int = 1) -> OriginRange:
    end = some.lengths
    return OriginRange((end - count).clamp_min(0), end - 1, end, stride)


def test_series_have_the_same_absolute_times() -> None:
    some = panel([0, 5, 9], [50, 45, 41])  # all end at 50
    found = template_origins(some, last_origins(some, 30), n=8)
    later = torch.from_numpy(common_grid(some)[1])
    times = found + later[:, None]
    assert found.shape == (3, 8)
    assert bool((times == times[0]).all())
    assert int(times.min()) >= 20
    assert int(times.max()) <= 49


def test_times_have_no_period() -> None:
    some = panel([0], [5000])
    found = template_origins(some, last_origins(some, 4800), n=200)[0]
    hours = torch.bincount(found % 24, minlength=24)
    assert found.diff().min() > 0
    assert hours.min() >= 4
    assert hours.max() <= 13


def test_a_series_of_other_times_has_templates_of_its_own() -> None:
    some = panel([0, 0, 0, 500], [100, 100, 100, 60])
    found = template_origins(some, last_origins(some, 40), n=10)
    assert bool((found[:3] == found[0]).all())
    own = found[3]
    assert own[own >= 0].tolist() == sorted(set(own.tolist()))
    assert int((own >= 0).sum()) == 10
    assert int(own.min()) >= 20
    assert int(own.max()) <= 59


def test_strides_keep_their_origins() -> None:
    some = panel([0, 3], [100, 97])
    every = OriginRange(torch.tensor([50, 50]), torch.tensor([90, 90]), some.lengths, stride=7)
    found = template_origins(some, every, n=4)
    for s in (0, 1):
        own = found[s][found[s] >= 0]
        assert bool(((own - 50) % 7 == 0).all())
        assert bool(((own >= 50) & (own <= 90)).all())


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 30), st.integers(1, 40)), min_size=1, max_size=5),
    st.integers(1, 12),
    st.integers(1, 20),
    st.integers(1, 4),
)
def test_templates_are_origins_of_the_range(
    series: list[tuple[int, int]], count: int, n: int, stride: int
) -> None:
    some = panel([b for b, _ in series], [length for _, length in series])
    origins = last_origins(some, count, stride)
    found = template_origins(some, origins, n)
    assert found.shape[1] <= n
    for s, row in enumerate(found.tolist()):
        own = [step for step in row if step >= 0]
        every = range(int(origins.first[s]), int(origins.last[s]) + 1, stride)
        assert set(own) <= set(every)
        assert len(set(own)) == len(own)
        assert own or not len(every)  # no series is left without a template


def test_large_panels_have_fewer_templates() -> None:
    some = panel([0], [10])
    assert template_count(some, 12) == 200
    assert template_count(some, 400_000) == 40
    assert template_count(some, 10_000_000) == 20
