"""Each finding on a table made for it: what it counts, and the place that it names."""

import numpy as np
import pandas as pd
import pytest

from tests.helpers.frames import daily_frame
from tsconv.check.findings import covariates, grid
from tsconv.check.findings import lines as findings
from tsconv.check.findings.clock_changes import clock_changes
from tsconv.check.report import Finding
from tsconv.check.tables.raw_table import RawTable, _profile
from tsconv.check.tables.sorted_table import SortedTable
from tsconv.config.schema import DataConfig
from tsconv.data.reading.cells import near_equal_notes
from tsconv.data.reading.read import table_from_frame
from tsconv.data.timestamps.frequency import parse_frequency


def lines_of(frame: pd.DataFrame, **data: object) -> SortedTable:
    return SortedTable(table_from_frame(frame, DataConfig(**data)))  # type: ignore[arg-type]


def raw_of(frame: pd.DataFrame) -> RawTable:
    import pyarrow as pa

    table = pa.Table.from_pandas(frame, preserve_index=False)
    return RawTable(table, tuple(_profile(table, n, ".") for n in table.column_names), whole=True)


def hours(start: str, end: str, ids: str = "ab") -> pd.DataFrame:
    times = pd.date_range(start, end, freq="h")
    parts = [
        pd.DataFrame({"unique_id": i, "ds": times, "y": 1.0 + np.arange(len(times))}) for i in ids
    ]
    return pd.concat(parts, ignore_index=True)


def places(finding: Finding | None) -> str:
    assert finding is not None
    return finding.first or ""


def test_a_sound_table_has_no_findings() -> None:
    lines = lines_of(daily_frame(3, 50))
    assert findings.duplicates(lines) is None
    assert findings.unsorted(lines) is None
    assert findings.missing_values(lines) is None
    assert findings.sentinels(lines) == []
    assert [f for look in findings.ALL for f in look(lines)] == []
    assert clock_changes(lines, None) is None
    assert grid.open_tails(lines) is None
    assert grid.early_ends(lines) is None
    assert grid.missing_steps(lines, grid.line_steps(lines, parse_frequency("D")), 150) is None


def test_duplicates_are_counted_and_compared() -> None:
    frame = daily_frame(2, 30)
    again = frame.iloc[[3, 3, 40]].copy()
    again.iloc[2, 2] += 1
    frame = pd.concat([frame, again], ignore_index=True)
    found = findings.duplicates(lines_of(frame))
    assert found is not None
    assert (found.count, found.level) == (3, "error")
    assert "2 with the same values" in found.text
    assert "rows 5 and 62" in places(found)
    assert "`shop 0` at 2023-01-05" in places(found)
    assert found.keys == {"data.duplicates": "mean"}
    settled = findings.duplicates(lines_of(frame), policy="mean")
    assert settled is not None
    assert settled.level == "note"


def test_unsorted_series_and_where() -> None:
    frame = daily_frame(3, 10)
    order = [*range(10), 10, 12, 11, *range(13, 30)]
    found = findings.unsorted(lines_of(frame.iloc[order].reset_index(drop=True)))
    assert found is not None
    assert found.count == 1
    assert "`shop 1`" in places(found)
    assert "row 14" in places(found)
    mixed = frame.sort_values("ds")  # series laid through each other, each in order
    assert findings.unsorted(lines_of(mixed)) is None


@pytest.mark.parametrize(
    ("value", "n", "found"),
    [(-9999, 2, True), (-9999, 1, True), (99999, 1, True), (-250, 5, True), (-250, 1, False),
     (60, 9, False)],
)  # fmt: skip
def test_sentinels_stand_far_outside_and_repeat(value: float, n: int, found: bool) -> None:
    frame = daily_frame(2, 100)  # values of about 0 to 30
    frame.loc[range(50, 50 + n), "y"] = value
    got = findings.sentinels(lines_of(frame))
    assert len(got) == found
    if found:
        assert got[0].count == n
        assert got[0].keys == {"data.na_values": [value]}
        assert "row 52" in places(got[0])


def test_two_sentinels_at_one_end() -> None:
    frame = daily_frame(2, 100)
    frame.loc[[5, 6], "y"], frame.loc[[8, 9], "y"] = -9999, -999
    assert findings.sentinel_values(findings.sentinels(lines_of(frame))) == [-9999, -999]


def test_odd_series_and_near_equal_names() -> None:
    ids = ["7", "007", "North", "north ", "empty", "flat", "one"]
    frame = pd.DataFrame(
        {"unique_id": np.repeat(ids, 6), "ds": np.tile(np.arange(6), 7), "y": np.arange(42.0) % 5}
    )
    frame.loc[frame.unique_id == "empty", "y"] = None
    frame.loc[frame.unique_id == "flat", "y"] = 3.0
    frame.loc[(frame.unique_id == "one") & (frame.ds > 0), "y"] = None
    lines = lines_of(frame)
    got = {f.kind: f for look in findings.ALL for f in look(lines)}
    assert got["near-equal names"].count == 2
    assert places(got["near-equal names"]) == "`7` and `007`"
    for kind, name in (("empty", "empty"), ("one-point", "one"), ("constant", "flat")):
        assert got[f"{kind} series"].count == 1
        assert places(got[f"{kind} series"]) == f"series `{name}`"
    missing = findings.missing_values(lines)
    assert missing is not None
    assert missing.count == 11


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ("a b", "ab", True), ("North", "NORTH ", True), ("shop-1", "shop_1", True),
        ("shop 1", "shop-1", True), ("7", "007", True), ("1-1", "11", False), ("-5", "5", False),
        ("1-1", "1_1", True), ("70", "7", False), ("0", "00", True),
    ],
)  # fmt: skip
def test_what_makes_names_nearly_equal(one: str, other: str, alike: bool) -> None:
    frame = pd.DataFrame({"unique_id": [one, other] * 3, "ds": np.repeat(range(3), 2), "y": 1.0})
    assert len(findings.near_equal_ids(lines_of(frame))) == alike
    if near_equal_notes((one, other), "id"):  # what reading tells of
        assert alike


def test_places_are_told_in_their_zone() -> None:
    lines = lines_of(hours("2024-03-30", "2024-04-02", "a"), timezone="America/New_York")
    assert lines.at(0) == "2024-03-30 00:00:00-04:00"
    assert lines_of(daily_frame(1, 5)).at(0) == "2023-01-02"


@pytest.mark.parametrize(
    ("hole", "double", "zone"),
    [
        ("2024-03-31 02:00", "2024-10-27 02:00", "Europe/Berlin"),
        ("2024-03-31 01:00", "2024-10-27 01:00", "Europe/London"),
        ("2024-03-10 02:00", "2024-11-03 01:00", "America/New_York"),
        ("2024-04-09 02:00", "2024-10-02 02:00", None),
    ],
)
def test_clock_changes_tell_the_zone(hole: str, double: str, zone: str | None) -> None:
    frame = hours("2024-03-01", "2024-11-20")
    frame = frame[frame["ds"] != hole]
    frame = pd.concat([frame, frame[frame["ds"] == double]]).sort_values(["unique_id", "ds"])
    lines = lines_of(frame)
    found = clock_changes(lines, None)
    if zone is None:
        assert found is None
        return
    assert found is not None
    assert found.keys == {"data.timezone": zone}
    assert "2 holes in spring and 2 double times in autumn" in found.text
    assert hole[:10] in places(found)
    assert clock_changes(lines, zone) is None, "a zone is given"


def test_missing_steps_count_each_hole() -> None:
    frame = daily_frame(2, 30).drop(index=[4, 5, 6, 40])
    lines = lines_of(frame)
    steps = grid.line_steps(lines, parse_frequency("D"))
    found = grid.missing_steps(lines, steps, 60)
    assert found is not None
    assert found.count == 4
    assert "2 holes in 2 series, the longest of 3" in found.text
    assert "`shop 0` after 2023-01-05" in places(found)


def test_mixed_frequencies_and_early_ends() -> None:
    weekly = daily_frame(1, 70).iloc[::7].assign(unique_id="weekly")
    lines = lines_of(pd.concat([daily_frame(2, 70), weekly]))
    steps = grid.line_steps(lines, parse_frequency("D"))
    found = grid.mixed_steps(lines, steps, parse_frequency("D"))
    assert places(found) == "series `weekly`, every 7 steps"
    ends = grid.early_ends(lines)
    assert ends is not None
    assert ends.count == 1
    assert grid.coarser_fit(lines) is None
    half = lines_of(pd.DataFrame({"unique_id": "a", "ds": [0, 6, 12, 14, 20], "y": 1.0}))
    assert grid.coarser_fit(half) == "2"


def covariate_frame() -> pd.DataFrame:
    frame = daily_frame(3, 60)
    frame.loc[frame.groupby("unique_id").cumcount() >= 50, "y"] = None
    size = frame["unique_id"].map({"shop 0": 3.0, "shop 1": 5.0, "shop 2": 3.0})
    rng = np.random.default_rng(0)
    return frame.assign(
        kind=frame["unique_id"].str[-1] + "x",
        size=size,
        price=rng.normal(size=180),
        weekday=frame["ds"].dt.day_of_week,
        rain=pd.Series(rng.normal(size=180)).where(frame["y"].notna()),
        line=np.arange(180),
        nothing=np.nan,
        same=1.5,
        tomorrow=frame.groupby("unique_id")["y"].shift(-1),
        double=2 * frame["y"],
    )


def test_what_undeclared_columns_could_be() -> None:
    frame = covariate_frame()
    raw, lines = raw_of(frame), lines_of(frame)
    names = ["kind", "size", "price", "weekday", "rain", "line", "nothing", "same"]
    roles = {c.name: c.role for c in covariates.candidates(raw, names, lines)}
    assert roles == {
        "kind": "static", "size": "static", "price": "future", "weekday": "future", "rain": "past",
        "line": "counter", "nothing": "none", "same": "none",
    }  # fmt: skip
    tail = grid.open_tails(lines)
    assert tail is not None
    assert tail.count == 30


def test_leaks_and_useless_columns() -> None:
    frame = covariate_frame()
    raw, lines = raw_of(frame), lines_of(frame)
    declared = {"double": "data.future_covariates", "same": "data.past_covariates"}
    got = {f.first: f for f in covariates.leaks(raw, lines, declared)}
    assert set(got) == {"column `tomorrow`", "column `double`"}
    assert "1 step ahead" in got["column `tomorrow`"].text
    assert got["column `double`"].level == "warning"
    (useless,) = covariates.useless(raw, declared)
    assert "`same` (data.past_covariates) has the same value everywhere" in useless.text
