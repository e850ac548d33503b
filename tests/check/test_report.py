"""The report as text and as strict JSON, and the line that it ends with."""

import json
import shlex

import numpy as np
import pytest

from tsconv.check.report import Finding, Report
from tsconv.check.train_line import override, train_line
from tsconv.config.compose import train_config


def test_findings_come_most_important_first() -> None:
    report = Report(train="tsconv train data.path=a.csv")
    report.find(
        Finding("a", "note", "first"), None, Finding("b", "error", "second", 3, "row 2", "mend it")
    )
    lines = report.text().splitlines()
    assert lines[:3] == ["findings", "  x second; first: row 2; mend it", "  - first"]
    assert lines[-1] == "tsconv train data.path=a.csv"
    assert "nothing amiss" in Report().text()


def test_lines_are_short_and_aligned() -> None:
    report = Report()
    report.add("series", [("a", "x " * 100), ("longer", "y")])
    report.find(Finding("k", "warning", "word " * 60, 1, "place " * 20))
    report.add("none", [])
    lines = report.text().splitlines()
    assert max(map(len, lines)) <= 108
    assert "none" not in lines
    column = lines[1].index("x")
    assert lines[2].startswith(" " * column + "x")


def test_json_is_strict() -> None:
    report = Report(data={"a": np.float64("nan"), "n": np.int64(3), "b": [np.bool_(True), None]})
    report.find(Finding("k", "note", "t", int(np.int64(2)), keys={"data.na_values": [-9999]}))
    text = json.dumps(report.to_dict(), allow_nan=False)
    again = json.loads(text)
    assert again["a"] is None
    assert again["n"] == 3
    assert again["b"] == [True, None]
    assert again["findings"][0]["keys"] == {"data.na_values": [-9999]}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("data.target", "PM2.5"), ("data.target", "it's (a) name, no?"), ("data.id", None),
        ("data.target", ["a b", "c"]), ("data.sep", ";"), ("data.sep", "\t"), ("data.decimal", ","),
        ("data.time_format", "%d.%m.%Y %H:%M"), ("data.id", "true"), ("data.id", "3"),
        ("data.target", ["$x", '"q"', "`b`", "back\\slash"]), ("data.target", "null"),
        ("horizon", 12), ("features.seasonal_lags", [24, 168]), ("data.na_values", ["-", "?"]),
    ],
)  # fmt: skip
def test_every_value_survives_the_shell_and_hydra(key: str, value: object) -> None:
    line = train_line(["data.path=my file's (1).csv", "horizon=3", "output=r.json"], {key: value})
    words = shlex.split(line)
    assert words[:2] == ["tsconv", "train"]
    config = train_config(words[2:])
    group, _, name = key.rpartition(".")
    assert getattr(getattr(config, group) if group else config, name) == value
    assert config.data.path == "my file's (1).csv"


def test_keys_take_the_place_of_what_was_given() -> None:
    line = train_line(["data.id=a", "data.path=x.csv"], {"data.id": "b", "horizon": 2}, "conf dir")
    assert line == "tsconv train --config-dir 'conf dir' data.path=x.csv data.id=b horizon=2"
    assert override("data.time", ["year", "month"]) == "data.time=[year,month]"
