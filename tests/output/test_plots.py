"""Plots of forecasts: the year of each axis, names of categories, shades, titles."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from tests.helpers.panels import panel_of
from tsconv.data.panel.panel import Panel
from tsconv.forecasting.forecast import Forecast
from tsconv.output import plots
from tsconv.output.category_marks import Run, place_names
from tsconv.output.time_axis import describe_range

DECILES = tuple(q / 10 for q in range(1, 10))


def flat_forecast(panel: Panel, horizon: int, back: int) -> Forecast:
    """The same values for every series, from `back` steps before its end."""
    shape = (len(panel), len(panel.targets), panel.n_rows)
    values = torch.arange(9.0).expand(*shape, horizon, 9).double()
    origin = panel.lengths - 1 - back
    has = torch.ones(shape, dtype=torch.bool)
    middle = values[..., 4]
    return Forecast(values, has, torch.arange(len(panel)), origin, (), DECILES, middle, middle)


def drawn(panel: Panel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, horizon: int = 5) -> Any:
    """The figure of `plot_forecasts`, after it was written."""
    made = []
    original = plots.figure_grid

    def kept(*args: Any) -> Any:
        made.append(original(*args))
        return made[-1]

    monkeypatch.setattr(plots, "figure_grid", kept)
    plots.plot_forecasts(panel, flat_forecast(panel, horizon, 3), tmp_path / "f.png")
    assert (tmp_path / "f.png").stat().st_size > 5000
    return made[0][0]


@pytest.mark.parametrize(
    ("first", "last", "words"),
    [
        ("2024-03-01T04:00", "2024-03-01T09:00", "1 Mar 2024"),
        ("2024-03-01", "2024-03-28", "1 to 28 Mar 2024"),
        ("2024-03-01", "2024-04-02", "1 Mar to 2 Apr 2024"),
        ("2023-12-30", "2024-01-02", "30 Dec 2023 to 2 Jan 2024"),
        ("1998-01-01", "2017-01-01", "1998 to 2017"),
        ("0987-05-01", "0987-05-03", "1 to 3 May 987"),
    ],
)
def test_a_range_always_holds_its_years(first: str, last: str, words: str) -> None:
    assert describe_range(np.datetime64(first), np.datetime64(last)) == words


@pytest.mark.parametrize("freq", ["min", "h", "D", "W", "MS", "YS"])
def test_every_panel_says_the_year(
    freq: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    days = pd.date_range("2019-05-01", periods=60, freq=freq)
    frame = pd.concat([pd.DataFrame({"unique_id": i, "ds": days, "y": 1.0}) for i in "abc"])
    figure = drawn(panel_of(frame), tmp_path, monkeypatch)
    shown = [ax for ax in figure.axes if ax.axison]
    assert len(shown) == 3
    # Forty-eight steps up to the origin, and the horizon.
    times = pd.date_range("2019-05-01", periods=62, freq=freq).to_numpy()
    assert {ax.get_xlabel() for ax in shown} == {describe_range(times[9], times[61])}


def test_the_range_is_that_of_the_wall_clock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hours = pd.date_range("2024-01-01", periods=20, freq="h")  # on UTC until 31 December there
    frame = pd.DataFrame({"ds": hours, "y": 1.0})
    panel = panel_of(
        frame.assign(ds=hours.tz_localize("UTC")), id=None, timezone="America/New_York"
    )
    figure = drawn(panel, tmp_path, monkeypatch, horizon=3)
    assert figure.axes[0].get_xlabel() == "31 Dec 2023 to 1 Jan 2024"


def test_integer_time_has_whole_ticks_and_no_year(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = pd.DataFrame({"ds": range(8), "y": 1.0})
    ax = drawn(panel_of(frame, id=None), tmp_path, monkeypatch, horizon=2).axes[0]
    assert ax.get_xlabel() == ""
    assert all(float(tick).is_integer() for tick in ax.get_xticks())


def test_a_lone_series_has_the_name_of_its_target(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = pd.DataFrame({"ds": pd.date_range("2024-01-01", periods=30), "sold": 1.0})
    lone = panel_of(frame, id=None, target="sold")
    figure = drawn(lone, tmp_path, monkeypatch)
    assert figure.axes[0].get_title(loc="left") == "sold"
    assert figure.get_suptitle() == ""
    named = panel_of(frame.assign(unique_id="store 7"), target="sold")
    figure = drawn(named, tmp_path, monkeypatch)
    assert figure.axes[0].get_title(loc="left") == "store 7"
    assert figure.get_suptitle() == "sold"
    wide = panel_of(frame.assign(lent=2.0), wide_columns_are="series")
    figure = drawn(wide, tmp_path, monkeypatch)
    assert [ax.get_title(loc="left") for ax in figure.axes] == ["sold", "lent"]
    assert figure.get_suptitle() == ""  # the columns are the series: there is no other name


def test_every_shade_is_in_the_legend_and_the_legend_in_the_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = pd.DataFrame({"ds": pd.date_range("2024-01-01", periods=30), "y": 1.0})
    figure = drawn(panel_of(frame, id=None), tmp_path, monkeypatch)
    legend = figure.legends[0]
    labels = [text.get_text() for text in legend.get_texts()]
    assert labels == ["observed", "80% interval", "60%", "40%", "20%", "forecast"]
    shades = {tuple(np.round(patch.get_facecolor(), 3)) for patch in legend.get_patches()}
    assert len(shades) == 4
    box = legend.get_window_extent()
    assert box.x0 >= 0
    assert box.x1 <= figure.bbox.width


def test_names_of_categories_stand_apart() -> None:
    runs = [Run(0, 10, "easter sale"), Run(10, 12, "clearance"), Run(14, 15, "fair")]
    assert place_names(runs, 40, 1) == [
        ("easter s…", "left"),
        ("", "left"),
        ("fair", "left"),
    ]
    runs = [Run(20, 30, "easter sale"), Run(30, 35, "clearance"), Run(60, 61, "spring promotion")]
    assert place_names(runs, 62, 1) == [
        ("easter sale", "right"), ("clearance", "left"), ("spring promotion", "right"),
    ]  # fmt: skip
