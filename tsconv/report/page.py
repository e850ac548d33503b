"""Writes a report as one HTML file that fetches nothing, and as JSON.

The page is put together from the files in `assets`: a skeleton, a style sheet and scripts by
concept. The title, the verdict and the warnings are in the HTML, so that they can be read without
scripts; everything else is drawn from the packed report by the scripts.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from tsconv.atomic_write import replace_text
from tsconv.output.run_files import write_json
from tsconv.report.pack import pack_report

DATA_BUDGET = 1_850_000  # bytes; with the scripts the page stays below 2 MB

_SCRIPTS = (  # page.js is last: it starts when all others are there
    "data.js",
    "format.js",
    "times.js",
    "scales.js",
    "elements.js",
    "chart.js",
    "forecast.js",
    "picker.js",
    "said.js",
    "errors.js",
    "series_table.js",
    "coverage.js",
    "breakdowns.js",
    "page.js",
)


def write_page(report: Mapping[str, Any], path: Path) -> None:
    """Write a report as an HTML file that needs no network.

    report: plain JSON values as docs/report-schema.md says. Where it is larger than the page may
    be, series that are not featured are thinned, and the page says so. Raises OSError where the
    folder is missing or cannot be written to.
    """
    replace_text(path, page_text(report))


def write_json_twin(report: Mapping[str, Any], path: Path) -> None:
    """Write all the content of a report as JSON; raises ValueError for NaN.

    >>> import json, tempfile
    >>> path = Path(tempfile.mkdtemp()) / "report.json"
    >>> write_json_twin({"schema": 1, "title": "load"}, path)
    >>> json.loads(path.read_text())["title"]
    'load'
    """
    write_json(dict(report), path)


def page_text(report: Mapping[str, Any]) -> str:
    """The HTML of a report's page.

    report: plain JSON values as docs/report-schema.md says.
    """
    parts = {
        "title": html.escape(report["title"]),
        "created": html.escape(report["created"]),
        "verdict": html.escape(report["verdict"]),
        "warnings": _warnings(report["warnings"]),
        "style": _asset("page.css"),
        "script": "\n".join(_asset(name) for name in _SCRIPTS),
        "data": pack_report(report, DATA_BUDGET),
    }
    # In one pass: a title that holds the name of another place stays as it is.
    text = re.sub(r"\{\{(\w+)\}\}", lambda found: parts[found[1]], _asset("page.html"))
    return text.encode("utf-8", errors="replace").decode("utf-8")


def _warnings(sentences: list[str]) -> str:
    if not sentences:
        return ""
    items = "".join(f"<li>{html.escape(sentence)}</li>" for sentence in sentences)
    return f'<ul class="warnings">{items}</ul>'


def _asset(name: str) -> str:
    folder = resources.files("tsconv.report") / "assets"
    return (folder / name).read_text(encoding="utf-8").rstrip("\n")
