"""A panel that is built part by part is that of the in-memory way, to the last bit."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.helpers.examples import examples
from tests.helpers.same_panels import assert_same
from tsconv.config.schema import DataConfig
from tsconv.data.cache.build import Progress, build_in_parts
from tsconv.data.cache.panel_files import COVARIATES, VALUES, read_panel
from tsconv.data.mapped import mapped_file
from tsconv.data.panel.panel import Panel, build_panel
from tsconv.data.reading.read import read_table
from tsconv.errors import DataError

QUIET = Progress(lambda lines: None, lambda done, count: None)


def frame_of(seed: int, n_series: int, rows: bool) -> pd.DataFrame:
    """Series of several lengths and starts, with gaps, holes, text and numbers beside the target.

    The lines of all are mixed, so that each series stands everywhere in the file.
    """
    rng = np.random.default_rng(seed)
    parts = []
    for s in range(n_series):
        length = int(rng.integers(4, 30))
        day = pd.Timestamp("2024-01-01") + pd.Timedelta(int(rng.integers(0, 9)), "D")
        part = pd.DataFrame({"ds": pd.date_range(day, periods=length)})
        part["shop"], part["item"] = int(rng.integers(0, 3)), f"i{s}"
        part["y"] = np.round(rng.normal(size=length), 3)
        part["sold"] = rng.integers(0, 9, length).astype(float)
        part["sky"] = rng.choice(["fair", "rain", "True", "TRUE", "snow", ""], length)
        part["price"] = np.round(rng.random(length), 2)
        part["kind"] = ["big", "small", "tiny"][int(rng.integers(0, 3))]
        part["size"] = float(rng.integers(1, 5))
        part.loc[rng.random(length) < 0.1, ["y", "sold"]] = np.nan
        parts.append(part.sample(frac=0.9, random_state=int(rng.integers(0, 99))))
    frame = pd.concat(parts).sample(frac=1, random_state=seed).reset_index(drop=True)
    if rows:
        one, two = frame.assign(row="north"), frame.assign(row="south", y=frame["y"] + 1)
        frame = pd.concat([one, two.iloc[::2]]).sample(frac=1, random_state=seed)
    return frame


def write(frame: pd.DataFrame, folder: Path, suffix: str, n_files: int) -> str:
    """The lines in one file or several of a folder, whose path is returned."""
    folder.mkdir(parents=True)
    for i, lines in enumerate(np.array_split(np.arange(len(frame)), n_files)):
        part, path = frame.iloc[lines], folder / f"part-{i}{suffix}"
        part.to_csv(path, index=False) if suffix == ".csv" else part.to_parquet(path, index=False)
    return str(folder)


def both_ways(data: DataConfig, folder: Path, parts: int) -> tuple[Panel, Panel]:
    """The panel that is built in parts, and that of the in-memory way."""
    folder.mkdir()
    build_in_parts(data, parts, folder, "key", QUIET)
    return read_panel(folder, "key"), build_panel(read_table(data), data.freq)


ROLES: dict[str, Any] = {
    "id": ["shop", "item"],
    "target": ["y", "sold"],
    "past_covariates": ["sky"],
    "future_covariates": ["price"],
    "static_covariates": ["kind", "size"],
    "categories": ["sky", "kind"],
}


@settings(max_examples=examples(12), deadline=None)
@given(
    seed=st.integers(0, 999),
    n_series=st.integers(1, 9),
    parts=st.integers(2, 12),
    n_files=st.integers(1, 3),
    suffix=st.sampled_from([".csv", ".parquet"]),
    rows=st.booleans(),
    freq=st.sampled_from([None, "D"]),
)
def test_parts_make_the_same_panel(
    tmp_path_factory: pytest.TempPathFactory,
    seed: int,
    n_series: int,
    parts: int,
    n_files: int,
    suffix: str,
    rows: bool,
    freq: str | None,
) -> None:
    folder = tmp_path_factory.mktemp("panel")
    path = write(frame_of(seed, n_series, rows), folder / "files", suffix, n_files)
    row = "row" if rows else None
    data = DataConfig(path=path, row=row, freq=freq, **{**ROLES, "id": "item"})
    if not rows:
        data = dataclasses.replace(data, id=ROLES["id"])
    ours, theirs = both_ways(data, folder / "cache", parts)
    assert_same(ours, theirs)
    assert {note.kind for note in ours.notes} == {note.kind for note in theirs.notes}
    assert mapped_file(ours.values) is not None


def test_a_part_with_too_few_times_takes_the_frequency_of_the_others(tmp_path: Path) -> None:
    lines = [f"s{i},{day},1" for i in range(9) for day in ("2024-01-01", "2024-01-08")]
    lines += [f"long,2024-01-{day:02d},{day}" for day in (1, 8, 15, 22, 29)]
    (tmp_path / "a.csv").write_text("unique_id,ds,y\n" + "\n".join(lines))
    ours, theirs = both_ways(DataConfig(path=str(tmp_path / "a.csv")), tmp_path / "cache", 40)
    assert_same(ours, theirs)
    assert ours.frequency.alias == "W"


def test_series_of_two_frequencies_are_refused_by_name(tmp_path: Path) -> None:
    days = [f"day,{t.date()},1" for t in pd.date_range("2024-01-01", periods=30)]
    weeks = [f"week,{t.date()},1" for t in pd.date_range("2024-01-01", periods=30, freq="7D")]
    (tmp_path / "a.csv").write_text("unique_id,ds,y\n" + "\n".join(days + weeks))
    (tmp_path / "cache").mkdir()
    data = DataConfig(path=str(tmp_path / "a.csv"))
    with pytest.raises(DataError, match=r"`week` and others.*steps of W") as caught:
        build_in_parts(data, 40, tmp_path / "cache", "key", QUIET)
    assert "\n" not in str(caught.value)


def test_a_part_without_an_observed_target_is_no_fault(tmp_path: Path) -> None:
    lines = [f"hole{i},2024-01-{day:02d}," for i in range(12) for day in range(1, 20)]
    lines += [f"a,2024-01-{day:02d},{day}" for day in range(1, 20)]
    (tmp_path / "a.csv").write_text("unique_id,ds,y\n" + "\n".join(lines))
    ours, theirs = both_ways(DataConfig(path=str(tmp_path / "a.csv")), tmp_path / "cache", 40)
    assert_same(ours, theirs)


def test_a_bad_cell_is_named_by_its_line(tmp_path: Path) -> None:
    lines = [f"a,2024-01-{day:02d},{day}" for day in range(1, 20)]
    lines[12] = "a,2024-01-13,many"
    (tmp_path / "a.csv").write_text("unique_id,ds,y\n" + "\n".join(lines))
    (tmp_path / "cache").mkdir()
    with pytest.raises(DataError, match=r"a\.csv: line 14, column `y`: 'many'"):
        build_in_parts(
            DataConfig(path=str(tmp_path / "a.csv")), 3, tmp_path / "cache", "key", QUIET
        )


def test_wide_layouts_are_read_whole(tmp_path: Path) -> None:
    frame = pd.DataFrame({"ds": range(9), "a": np.arange(9.0), "b": np.arange(9.0) ** 2})
    frame.to_csv(tmp_path / "wide.csv", index=False)
    data = DataConfig(path=str(tmp_path / "wide.csv"), id=None, wide_columns_are="series")
    ours, theirs = both_ways(data, tmp_path / "cache", 4)
    assert_same(ours, theirs)


def test_only_the_files_of_the_panel_stay(tmp_path: Path) -> None:
    path = write(frame_of(1, 5, False), tmp_path / "files", ".csv", 1)
    both_ways(DataConfig(path=path, **ROLES), tmp_path / "cache", 3)
    names = {p.name for p in (tmp_path / "cache").iterdir()}
    assert names == {VALUES, COVARIATES, "arrays.safetensors", "names.arrow", "panel.json"}


def test_data_without_any_observed_target_are_refused(tmp_path: Path) -> None:
    lines = [f"hole{i},2024-01-{day:02d}," for i in range(12) for day in range(1, 20)]
    (tmp_path / "a.csv").write_text("unique_id,ds,y\n" + "\n".join(lines))
    (tmp_path / "cache").mkdir()
    data = DataConfig(path=str(tmp_path / "a.csv"))
    with pytest.raises(DataError, match=r"a\.csv: no series has an observed value"):
        build_in_parts(data, 3, tmp_path / "cache", "key", QUIET)
