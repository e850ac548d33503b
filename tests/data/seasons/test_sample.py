"""The sample of a panel is bounded, repeatable, and stops where it is told to."""

import numpy as np
import pytest
import torch

from tests.helpers.frames import daily_frame
from tests.helpers.panels import panel_of
from tests.helpers.paths import ROOT
from tsconv.check.panel_attempt import attempt_reading
from tsconv.config.schema import DataConfig
from tsconv.data.panel.panel import build_panel
from tsconv.data.reading.read import table_from_frame
from tsconv.data.seasons.sample import find_seasons, sample_stretches


def test_the_sample_is_bounded_and_repeatable() -> None:
    panel = build_panel(table_from_frame(daily_frame(130, 20), DataConfig()))
    first, again = sample_stretches(panel), sample_stretches(panel)
    assert len(first) == 100
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert len(sample_stretches(panel, most=20)) == 20
    flat = daily_frame(1, 20).assign(y=2.0)
    assert sample_stretches(build_panel(table_from_frame(flat, DataConfig()))) == []


def test_nothing_is_sampled_after_the_end() -> None:
    panel = panel_of(daily_frame(3, 60))
    ends = torch.tensor([40, 5, 60])
    assert sorted(len(x) for x in sample_stretches(panel, ends)) == [40, 60]
    panel.values[40:60] = torch.nan
    same = sample_stretches(panel, ends)
    assert not any(np.isnan(x).any() for x in same)


@pytest.mark.parametrize(
    ("name", "periods"),
    [("load.csv.gz", [24, 168]), ("nyc_weather.csv", [24]), ("seattle_weather.csv", [365])],
)
def test_seasons_of_the_files_of_the_repository(name: str, periods: list[int]) -> None:
    panel = attempt_reading(DataConfig(path=str(ROOT / "data" / name))).panel
    assert panel is not None
    assert [s.period for s in find_seasons(panel)] == periods
