"""The page's text: what is in it without a browser, its size, and its twin in JSON."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.helpers.paths import ROOT
from tests.helpers.reports import empty_report, evil_report, hourly_report, wide_report
from tsconv.report.page import page_text, write_json_twin, write_page


def test_verdict_and_warnings_can_be_read_without_scripts() -> None:
    report = hourly_report()
    report["warnings"] = ["All origins lie in the training data."]
    text = page_text(report)
    assert f'<p class="verdict">{report["verdict"]}</p>' in text
    assert "<li>All origins lie in the training data.</li>" in text


def test_nothing_of_the_report_becomes_markup() -> None:
    text = page_text(evil_report())
    plain = page_text(hourly_report())
    for tag in ("<script", "</script", "<b>", "<img", "<style", "</style"):
        assert text.count(tag) == plain.count(tag), tag
    assert "{{data}} &amp; &lt;i&gt;" in text  # a place's name in a title stays as it is


def test_the_page_asks_for_nothing() -> None:
    text = page_text(hourly_report())
    assert "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'" in text
    addresses = set(re.findall(r"https?://[^\"'\s]*", text))
    assert addresses == {"http://www.w3.org/2000/svg"}  # a name, not an address
    assert not re.findall(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", text)


def test_a_thousand_series_take_less_than_two_megabytes(tmp_path: Path) -> None:
    write_page(wide_report(), tmp_path / "report.html")
    assert 1_000_000 < (tmp_path / "report.html").stat().st_size < 2_000_000


def test_the_same_report_gives_the_same_page() -> None:
    assert page_text(hourly_report()) == page_text(hourly_report())


def test_a_broken_name_does_not_stop_the_page(tmp_path: Path) -> None:
    report = empty_report()
    report["title"] = "half a character: \ud83d"
    write_page(report, tmp_path / "report.html")
    assert "half a character: ?" in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_the_twin_has_all_of_it(tmp_path: Path) -> None:
    report = evil_report()
    write_json_twin(report, tmp_path / "report.json")
    assert json.loads((tmp_path / "report.json").read_text(encoding="utf-8")) == report
    report["overall"]["mae"] = float("nan")
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json_twin(report, tmp_path / "report.json")


def test_the_wheel_holds_the_assets(tmp_path: Path) -> None:
    code = "import sys, hatchling.build as b; print(b.build_wheel(sys.argv[1]))"
    subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], cwd=ROOT, check=True, capture_output=True
    )
    (wheel,) = tmp_path.glob("*.whl")
    assets = {p.name for p in (ROOT / "tsconv" / "report" / "assets").iterdir()}
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {f"tsconv/report/assets/{name}" for name in assets} <= names
    used = {name for name in assets if name.endswith(".js")}
    text = (ROOT / "tsconv" / "report" / "page.py").read_text(encoding="utf-8")
    assert used == set(re.findall(r'"([a-z_]+\.js)"', text))  # no script is forgotten
