"""The report as text and as strict JSON."""

import json

import numpy as np

from tsconv.check.report import Finding, Report, Section


def test_findings_come_most_important_first() -> None:
    findings = [
        Finding("a", "note", "first"),
        Finding("b", "error", "second", 3, "line 2", "fix it"),
    ]
    report = Report([], findings, train="tsconv train data.path=a.csv")
    lines = report.text().splitlines()
    assert lines[:3] == ["findings", "  x second; first: line 2; fix it", "  - first"]
    assert lines[-1] == "tsconv train data.path=a.csv"
    assert "  none\n" in Report(train="tsconv train").text()


def test_lines_are_short_and_aligned() -> None:
    sections = [
        Section("series", [("a", "x " * 100), ("longer", "y")]),
        Section("none", [], {"none": 1}),
    ]
    report = Report(sections, [Finding("k", "warning", "word " * 60, 1, "place " * 20)])
    lines = report.text().splitlines()
    assert max(map(len, lines)) <= 108
    assert "none" not in lines
    column = lines[1].index("x")
    assert lines[2].startswith(" " * column + "x")


def test_json_is_strict() -> None:
    values = {"a": np.float64("nan"), "n": np.int64(3), "b": [np.bool_(True), None]}
    finding = Finding("k", "note", "t", int(np.int64(2)), keys={"data.na_values": [-9999]})
    report = Report([Section("values", [], values)], [finding])
    text = json.dumps(report.to_dict(), allow_nan=False)
    again = json.loads(text)
    assert again["a"] is None
    assert again["n"] == 3
    assert again["b"] == [True, None]
    assert again["findings"][0]["keys"] == {"data.na_values": [-9999]}


def test_the_last_words_say_what_training_would_do() -> None:
    command = "tsconv train data.path=a.csv"
    assert "to train on this file:" in Report(train=command).text()
    refused = Report(refused="duplicates", train=command, keys_given=True).text()
    assert "as configured: duplicates\nthis command fits it:" in refused
    assert "to train on this file:" in Report(refused="no `ds`", train=command).text()
    none = Report(refused="duplicates", obstacle="an id is missing").text().splitlines()
    assert none[-2:] == ["no command trains on this file yet:", "an id is missing"]
    unread = Report(refused="no table", lines_read=False).text()
    assert "the lines could not be read" in unread
    assert unread.splitlines()[-1] == "no table"
