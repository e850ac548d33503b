"""A report in the compact form that the page carries, within a budget of bytes.

Where the whole report does not fit, the series that are not featured are thinned: fewer origins of
their earlier forecasts first, then a shorter history, then no earlier forecasts, then no curves.
All figures of the tables stay. Sentences say what was left out.
"""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tsconv.report.fixed_point import pack_numbers

_FEATURED_LEVELS = 4000  # steps within the range of the values
_OTHER_LEVELS = 1000
_DIGITS = 5  # of the figures in the tables
_EXAMPLES = 1  # of components; more are in report.json
_LEAST_BYTES = 1.0  # of a number that is packed, compressed and in base64


@dataclass(frozen=True)
class _Thinning:
    """What is left of the series that are not featured."""

    stride: int | None = 1  # every n-th origin of `said`; None for none of them
    history: int | None = None  # steps, None for all
    curves: int | None = None  # how many of these series keep curves at all, None for all


_THINNINGS = (
    _Thinning(),
    *(_Thinning(stride) for stride in (2, 4)),
    *(_Thinning(stride, 200) for stride in (2, 4, 8, 16, 32)),
    _Thinning(None, 200),
    _Thinning(None, 100),
    *(_Thinning(None, 100, curves) for curves in (2000, 1000, 500, 200, 50, 0)),
)


def pack_report(report: Mapping[str, Any], budget: int) -> str:
    """Pack a report into text of base64: gzip of JSON with arrays of fixed-point integers.

    report: as docs/report-schema.md says. budget: bytes of the text; the least that can be left
    of a report is returned where even that is more.

    >>> report = {"title": "load", "horizon": 2, "times": [], "series": [], "by_series": []}
    >>> unpacked = json.loads(gzip.decompress(base64.b64decode(pack_report(report, 10_000))))
    >>> unpacked["title"], unpacked["thinned"]
    ('load', [])
    """
    text, bytes_per_number = "", _LEAST_BYTES
    for thinning in _THINNINGS:
        numbers = _numbers(report, thinning)
        if numbers * bytes_per_number > budget and thinning != _THINNINGS[-1]:
            continue  # packing takes seconds where there are millions of numbers
        text = _compressed(_compact(report, thinning))
        if len(text) <= budget:
            break
        bytes_per_number = 0.9 * len(text) / max(1, numbers)
    return text


def _compressed(content: Mapping[str, Any]) -> str:
    plain = json.dumps(content, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    # A lone surrogate, as a name from a broken file may hold, has no UTF-8.
    data = plain.encode("utf-8", errors="replace")
    return base64.b64encode(gzip.compress(data, 6, mtime=0)).decode("ascii")


def _featured(report: Mapping[str, Any]) -> set[int]:
    return {i for i in (report.get("featured") or {}).values() if i is not None}


def _origins(series: Mapping[str, Any], stride: int | None) -> list[int]:
    """Positions of the origins of `said` that are kept, the last one always."""
    said = series.get("said")
    count = len(said["origins"]) if said else 0
    return list(range(count))[::-1][::stride][::-1] if stride else []


def _with_curves(report: Mapping[str, Any], thinning: _Thinning) -> set[int]:
    featured = _featured(report)
    others = [i for i in range(len(report["series"])) if i not in featured]
    return {*others[: thinning.curves], *featured}


def _numbers(report: Mapping[str, Any], thinning: _Thinning) -> int:
    """How many numbers of the series are left."""
    featured, horizon, count = _featured(report), report["horizon"], 0
    for index in _with_curves(report, thinning):
        series = report["series"][index]
        whole = index in featured
        stride = 1 if whole else thinning.stride
        steps = len(series["history"])
        count += steps if whole else min(steps, thinning.history or steps)
        count += horizon * len(series["coming"] or {})
        levels = len(series["said"]["levels"]) if series["said"] else 0
        count += len(_origins(series, stride)) * levels * horizon
    return count


def _compact(report: Mapping[str, Any], thinning: _Thinning) -> dict[str, Any]:
    featured, with_curves = _featured(report), _with_curves(report, thinning)
    series = []
    for index, one in enumerate(report["series"]):
        if index in featured:
            series.append(_series(one, _Thinning(), _FEATURED_LEVELS))
        elif index in with_curves:
            series.append(_series(one, thinning, _OTHER_LEVELS))
        else:
            series.append({**_series({**one, "history": [], "said": None}, thinning, 1)})
            series[-1]["coming"] = series[-1]["year_before"] = None
    names = [one["name"] for one in report["series"]]
    content = dict(report)
    content["by_series"] = [_row(row, names) for row in report["by_series"]]
    if report.get("components"):
        examples = report["components"]["examples"][:_EXAMPLES]
        content["components"] = {**report["components"], "examples": examples}
    shown = {key: _rounded(value) for key, value in content.items() if key != "series"}
    return {**shown, "series": series, "thinned": _sentences(report, thinning)}


def _row(row: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """A row of the table without what its series says already."""
    index = row.get("series")
    same = index is not None and index < len(names) and names[index] == row["name"]
    left_out = {"id", "row", "channel"} | ({"name"} if same else set())
    return {key: value for key, value in row.items() if key not in left_out}


def _series(one: Mapping[str, Any], thinning: _Thinning, levels: int) -> dict[str, Any]:
    history, first = one["history"], one["first"]
    if thinning.history is not None and len(history) > thinning.history:
        first += len(history) - thinning.history
        history = history[-thinning.history :]
    before, said = one["year_before"], one["said"]
    kept = _origins(one, thinning.stride)
    packed: dict[str, Any] = {key: one[key] for key in ("name", "id", "row", "channel", "origin")}
    packed["first"] = first
    packed["history"] = pack_numbers(history, levels)
    packed["coming"] = one["coming"] and {
        level: pack_numbers(values, levels) for level, values in one["coming"].items()
    }
    packed["year_before"] = before and {
        "label": before["label"],
        "values": pack_numbers(before["values"], levels),
    }
    packed["said"] = None
    if said and kept:
        packed["said"] = {
            "origins": pack_numbers([said["origins"][i] for i in kept]),
            "levels": {
                level: pack_numbers([v for i in kept for v in rows[i]], levels)
                for level, rows in said["levels"].items()
            },
        }
    return packed


def _rounded(value: Any) -> Any:
    """The same content with floats of a few digits; a float that is an integer becomes one."""
    if isinstance(value, float):
        short = float(f"{value:.{_DIGITS}g}")
        return int(short) if short.is_integer() and abs(short) < 1e15 else short
    if isinstance(value, Mapping):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_rounded(item) for item in value]
    return value


def _sentences(report: Mapping[str, Any], thinning: _Thinning) -> list[str]:
    """What was left out, for the reader of the page."""
    featured = _featured(report)
    others = [one for i, one in enumerate(report["series"]) if i not in featured]
    sentences = []
    has_said = any(one["said"] for one in others)
    if has_said and thinning.stride is None:
        sentences.append("Only the featured series show their earlier forecasts.")
    elif has_said and thinning.stride and thinning.stride > 1:
        sentences.append(
            f"Series that are not featured show one of {thinning.stride} earlier origins."
        )
    if thinning.history and any(len(one["history"]) > thinning.history for one in others):
        sentences.append(
            f"Series that are not featured show the last {thinning.history} steps of their history."
        )
    if thinning.curves is not None and len(others) > thinning.curves:
        sentences.append(
            f"The charts of {len(others) - thinning.curves:,} series were left out; "
            "the table has them all."
        )
    if sentences:
        sentences.append("All values are in report.json.")
    return sentences
