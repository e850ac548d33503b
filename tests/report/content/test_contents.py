"""What a report says of real backtests: whole, plain, and true to the series."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.helpers.backtests import (
    GROUPED,
    QUANTILES,
    Collected,
    bundle_of,
    grouped_bundle,
    grouped_frame,
)
from tests.helpers.frames import daily_frame
from tests.helpers.networks import random_net
from tests.helpers.panels import panel_of
from tests.helpers.report_schema import faults
from tsconv.backtest.run import BacktestResult, backtest_table
from tsconv.config.schema import DataConfig
from tsconv.data.reading.read import table_from_frame
from tsconv.evaluation.training_ends import describe_ends
from tsconv.forecasting.bundles.bundle import Bundle
from tsconv.report.content import contents
from tsconv.report.content.contents import About, report_content
from tsconv.report.run import ReportSource, write_report

ABOUT = About("sales.csv", "backtest", (("Data", "sales.csv"),), "tsconv backtest")
EVIL = "</script><b>x</b>"


def trained(frame: pd.DataFrame, seen: int | None = 40, **settings: Any) -> Bundle:
    panel = panel_of(frame)
    bundle = bundle_of(random_net(quantiles=QUANTILES, **settings), panel)
    if seen is None:
        return bundle
    ends = describe_ends(panel, panel.lengths.clamp_max(seen))
    return dataclasses.replace(bundle, info={"trained_until": ends, "seen_until": ends})


def result_of(frame: pd.DataFrame, **settings: Any) -> BacktestResult:
    bundle = trained(frame, **settings)
    return backtest_table(bundle, table_from_frame(frame, bundle.data), bundle.data)


def test_the_content_is_as_the_schema_says() -> None:
    content = report_content(result_of(daily_frame(3, 120)), ABOUT)
    assert faults(content) == []
    json.dumps(content, allow_nan=False)
    assert [card["key"] for card in content["cards"]] == ["skill", "error", "bias", "coverage"]
    assert content["featured"]
    assert len(content["by_horizon"]) == 5


@pytest.mark.parametrize("form", ["integers", "short", "gaps", "constant", "names", "point"])
def test_odd_panels_have_a_whole_content(form: str) -> None:
    frame = daily_frame(2, 90)
    if form == "integers":
        frame = frame.assign(ds=frame.groupby("unique_id").cumcount())
    elif form == "short":
        frame = frame.drop(index=range(15, 90))
    elif form == "gaps":
        frame = frame.drop(index=[*range(50, 60), *range(140, 150)])
    elif form == "constant":
        frame.loc[frame.unique_id == "shop 0", "y"] = 0.0
    elif form == "names":
        frame = frame.replace({"shop 0": EVIL, "shop 1": "=1+1"})
    more = {"quantiles": None} if form == "point" else {}
    panel = panel_of(frame)
    spec = {"quantiles": QUANTILES, **more}
    bundle = bundle_of(random_net(**spec), panel)
    result = backtest_table(bundle, table_from_frame(frame, bundle.data), bundle.data)
    content = report_content(result, ABOUT)
    assert faults(content) == []
    json.dumps(content, allow_nan=False)
    if form == "gaps":
        assert [m for m in content["marks"] if m["kind"] == "gap"]
    if form == "names":
        assert {s["name"] for s in content["series"]} == {EVIL, "=1+1"}


def test_what_was_said_is_what_the_network_said_and_history_is_what_came() -> None:
    frame = daily_frame(2, 100)
    bundle = trained(frame)
    collected = Collected()
    table = table_from_frame(frame, bundle.data)
    result = backtest_table(bundle, table, bundle.data, started=lambda _: collected)
    content = report_content(result, ABOUT)
    for s, series in enumerate(content["series"]):
        values = frame[frame.unique_id == series["id"]].set_index("ds")["y"]
        days = content["times"][series["first"] :][: len(series["history"])]
        np.testing.assert_allclose(series["history"], values[days], rtol=1e-5)
        assert len(days) > 50
        said = series["said"]
        assert said["stride"] == 1
        assert len(said["origins"]) == int(result.backtest.judged.origins.counts[s])
        before = (pd.Timestamp(content["times"][0]) - frame.ds[0]).days  # indices count from there
        for i, origin in enumerate(np.add(said["origins"], before).tolist()):
            for q, level in enumerate(QUANTILES):
                forecast = collected.forecasts[(s, 0, 0, origin)][:, q]
                np.testing.assert_allclose(said["levels"][str(level)][i], forecast, rtol=1e-5)


def test_series_that_are_not_drawn_are_in_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contents, "_MOST_DRAWN", 10)
    content = report_content(result_of(daily_frame(16, 80)), ABOUT)
    assert faults(content) == []
    assert len(content["by_series"]) == 16
    assert len(content["series"]) <= 10
    drawn = [row["series"] for row in content["by_series"]]
    assert None in drawn
    for row in content["by_series"]:
        if row["series"] is not None:
            assert content["series"][row["series"]]["name"] == row["name"]
    worst = min(content["by_series"], key=lambda row: row["skill"])
    assert content["featured"]["worst"] == worst["series"]
    assert any("Drawn are" in text for text in content["warnings"])


def test_warnings_say_what_the_training_has_used() -> None:
    frame = daily_frame(2, 90)
    unknown = report_content(result_of(frame, seen=None), ABOUT)
    assert "does not say which steps" in unknown["warnings"][0]
    assert "had not seen" not in unknown["verdict"]
    used = report_content(result_of(frame, seen=90), ABOUT)
    assert "flatter" in used["warnings"][0]
    held = report_content(result_of(frame), ABOUT)
    assert "had not seen" in held["verdict"]
    assert [m["time"] for m in held["marks"] if m["kind"] == "training"] == ["2023-02-11"]


def test_the_page_of_rows_and_covariates_is_written_with_its_twin(tmp_path: Path) -> None:
    frame = grouped_frame()
    bundle, panel = grouped_bundle(frame)
    ends = describe_ends(panel, panel.lengths.clamp_max(50))
    data = DataConfig(**GROUPED)
    info = {"trained_until": ends, "seen_until": ends}
    bundle = dataclasses.replace(bundle, data=data, info=info)
    table = table_from_frame(frame, data)
    result = backtest_table(bundle, table, data, components=True)
    source = ReportSource(bundle, table, data, "backtest", "tsconv backtest")
    twin = write_report(result, source, tmp_path / "report.html")
    content = json.loads(twin.read_text())
    assert faults(content) == []
    assert len(content["series"]) == 6
    assert any("forecast to come is not shown" in text for text in content["warnings"])
    assert {e["category"] for e in content["categories"]} == {"fair", "none"}
    assert {e["kind"] for e in content["importance"]} == {"covariate", "row"}
    example = content["components"]["examples"][0]
    total = np.sum([example["values"][name] for name in example["values"]], axis=0)
    np.testing.assert_allclose(total, example["median"], rtol=1e-3, atol=1e-3)
    page = (tmp_path / "report.html").read_text()
    assert page.count("<script") > 1
    assert "http://" not in page.replace("http://www.w3.org", "")
