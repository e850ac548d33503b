"""Reports are packed whole where they fit, and thinned by rule where they do not."""

from __future__ import annotations

import base64
import gzip
import json
from typing import Any

import pytest

from tests.helpers.report_schema import faults
from tests.helpers.reports import SAMPLES, panel_report, wide_report
from tsconv.report.pack import pack_report


def content(report: dict[str, Any], budget: int = 10_000_000) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(
        gzip.decompress(base64.b64decode(pack_report(report, budget)))
    )
    return found


@pytest.mark.parametrize("name", SAMPLES)
def test_samples_are_as_the_schema_says(name: str) -> None:
    report = SAMPLES[name]()
    assert faults(report) == []
    assert json.loads(json.dumps(report, allow_nan=False)) == report


def test_the_validator_finds_faults() -> None:
    report = panel_report()
    report["series"][3]["said"]["levels"]["0.5"][2].pop()
    assert faults(report) == ["series[3].said: level 0.5 is not 40 x 28"]
    del report["cards"][0]["chance"]
    assert faults(report) == ["cards[0]: no key chance"]


def test_a_report_that_fits_is_whole() -> None:
    report = panel_report()
    packed = content(report)
    assert packed["thinned"] == []
    assert [row["mae"] for row in packed["by_series"]] == pytest.approx(
        [row["mae"] for row in report["by_series"]], rel=1e-4
    )
    for one, there in zip(packed["series"], report["series"], strict=True):
        assert len(one["history"]) - 1 == len(there["history"])
        assert len(one["said"]["levels"]["0.5"]) - 1 == 40 * 28


def test_the_others_lose_origins_before_history_and_the_featured_lose_nothing() -> None:
    report = wide_report(60)
    sizes = {len(pack_report(report, budget)) for budget in (10**7, 10**5)}
    assert max(sizes) > 10**5 >= min(sizes)
    packed = content(report, 10**5)
    featured = set(report["featured"].values())
    other = min(set(range(60)) - featured)
    for index in featured:
        assert len(packed["series"][index]["said"]["origins"]) - 1 == 12
        assert len(packed["series"][index]["history"]) - 1 == 400
    kept = packed["series"][other]
    assert len(kept["history"]) - 1 == 200
    assert kept["first"] == 200
    assert 0 < len(kept["said"]["origins"]) - 1 < 12
    assert sum(kept["said"]["origins"][1:]) == report["series"][other]["said"]["origins"][-1]
    assert packed["thinned"][-1] == "All values are in report.json."


def test_the_least_keeps_the_tables() -> None:
    packed = content(wide_report(60), 1)
    assert len(packed["by_series"]) == len(packed["series"]) == 60
    assert sum(one["coming"] is not None for one in packed["series"]) == 3
    assert packed["thinned"][-2].startswith("The charts of 57 series were left out")


def test_names_are_not_said_twice() -> None:
    assert all("name" not in row for row in content(panel_report())["by_series"])
    report = panel_report()
    report["by_series"][0]["name"] = "another"
    assert content(report)["by_series"][0]["name"] == "another"
