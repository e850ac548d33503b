"""Whether a report has the content that docs/report-schema.md says."""

from __future__ import annotations

from typing import Any

TEXT, NUMBER, INTEGER = (str,), (int, float), (int,)
NONE = type(None)

TOP: dict[str, tuple[type, ...]] = {
    "schema": INTEGER, "title": TEXT, "made_by": TEXT, "created": TEXT, "verdict": TEXT,
    "warnings": (list,), "horizon": INTEGER, "freq": (str, NONE), "season": (int, NONE),
    "quantiles": (list,), "cards": (list,), "rivals": (list,), "overall": (dict,),
    "by_horizon": (list,), "by_series": (list,), "over_time": (dict,), "marks": (list,),
    "coverage": (list,), "quantile_coverage": (list,), "categories": (list,),
    "components": (dict, NONE), "importance": (list,), "times": (list,), "series": (list,),
    "featured": (dict, NONE), "fine_print": (list,), "command": TEXT,
}  # fmt: skip
FIGURE = (int, float, NONE)
ROWS: dict[str, dict[str, tuple[type, ...]]] = {
    "cards": {"key": TEXT, "title": TEXT, "value": (str, NONE), "detail": (str, NONE),
              "rival": (str, NONE), "chance": (str, NONE)},
    "rivals": {"key": TEXT, "name": TEXT, "is_rival": (bool,)},
    "by_horizon": {"step": INTEGER, "mae": FIGURE, "coverage_80": FIGURE, "bias": FIGURE,
                   "rivals": (dict,), "p": FIGURE, "better": (bool, NONE)},
    "by_series": {"series": (int, NONE), "name": TEXT, "id": (str, NONE), "row": (str, NONE),
                  "channel": (str, NONE), "n_origins": INTEGER, "mae": FIGURE, "rival_mae": FIGURE,
                  "skill": FIGURE, "mase": FIGURE, "bias": FIGURE, "coverage_80": FIGURE,
                  "p": FIGURE},
    "marks": {"time": TEXT, "to": (str, NONE), "kind": TEXT, "label": TEXT},
    "coverage": {"nominal": NUMBER, "observed": FIGURE, "width": FIGURE, "width_rival": FIGURE},
    "quantile_coverage": {"level": NUMBER, "observed": FIGURE},
    "categories": {"covariate": TEXT, "category": TEXT, "n": INTEGER, "mae": FIGURE,
                   "rival_mae": FIGURE},
    "importance": {"name": TEXT, "kind": TEXT, "change": FIGURE},
    "series": {"name": TEXT, "id": (str, NONE), "row": (str, NONE), "channel": (str, NONE),
               "first": INTEGER, "history": (list,), "origin": (int, NONE), "coming": (dict, NONE),
               "year_before": (dict, NONE), "said": (dict, NONE)},
    "fine_print": {"label": TEXT, "value": TEXT},
}  # fmt: skip


def faults(report: dict[str, Any]) -> list[str]:
    """What in a report is not as the schema says, one line each."""
    found = _wrong("report", report, TOP)
    if found:
        return found
    for key, kinds in ROWS.items():
        for i, row in enumerate(report[key]):
            found += _wrong(f"{key}[{i}]", row, kinds)
    lengths = {len(report["over_time"].get(key, ())) for key in ("times", "mae", "rival", "n")}
    if len(lengths) != 1 or max(lengths) > 400:
        found.append(f"over_time: lengths {lengths}")
    if sum(bool(rival.get("is_rival")) for rival in report["rivals"]) > 1:
        found.append("rivals: more than one is the rival")
    for key, index in (report["featured"] or {}).items():
        if not 0 <= index < len(report["series"]):
            found.append(f"featured.{key}: no series {index}")
    return found or [fault for i in range(len(report["series"])) for fault in _series(report, i)]


def _wrong(place: str, row: dict[str, Any], kinds: dict[str, tuple[type, ...]]) -> list[str]:
    found = [f"{place}: unknown key {key}" for key in row.keys() - kinds.keys()]
    for key, allowed in kinds.items():
        if key not in row:
            found.append(f"{place}: no key {key}")
        elif type(row[key]) not in allowed:
            found.append(f"{place}.{key}: {type(row[key]).__name__}")
    return found


def _series(report: dict[str, Any], index: int) -> list[str]:
    one, horizon, place = report["series"][index], report["horizon"], f"series[{index}]"
    found = []
    if one["first"] + len(one["history"]) > len(report["times"]):
        found.append(f"{place}: history beyond the grid of times")
    for level, values in (one["coming"] or {}).items():
        if not 0 < float(level) < 1 or len(values) != horizon:
            found.append(f"{place}.coming: level {level} with {len(values)} values")
    if one["coming"] is not None and one["origin"] is None:
        found.append(f"{place}: coming without an origin")
    if one["year_before"] and len(one["year_before"]["values"]) != horizon:
        found.append(f"{place}.year_before: not {horizon} values")
    if one["said"]:
        count = len(one["said"]["origins"])
        for level, rows in one["said"]["levels"].items():
            if len(rows) != count or any(len(row) != horizon for row in rows):
                found.append(f"{place}.said: level {level} is not {count} x {horizon}")
    return found
