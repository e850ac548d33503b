"""What reading takes, and whether a cache is wanted, by made-up memory."""

from __future__ import annotations

import gzip
import io
from pathlib import Path

import pandas as pd
import pytest

from tsconv.available_memory import Available
from tsconv.config.schema import DataConfig
from tsconv.data.cache import plan
from tsconv.data.cache.plan import cache_folder, make_plan, wants_cache

LINES = "unique_id,ds,y\n" + "".join(f"s{i % 9},{i // 9},1.5\n" for i in range(90_000))


def planned(path: Path, free: int | None, patch: pytest.MonkeyPatch, **data: object) -> plan.Plan:
    found = None if free is None else Available(free, "")
    patch.setattr(plan, "available_memory", lambda _: found)
    config = DataConfig(path=str(path), **data)  # type: ignore[arg-type]
    return make_plan(config, [path])


@pytest.mark.parametrize("suffix", [".csv", ".csv.gz", ".parquet"])
def test_lines_are_estimated_from_the_start(
    tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / f"sales{suffix}"
    if suffix == ".parquet":
        pd.read_csv(io.StringIO(LINES)).to_parquet(path)
    else:
        path.write_bytes(gzip.compress(LINES.encode()) if suffix == ".csv.gz" else LINES.encode())
    found = planned(path, 10**12, monkeypatch)
    close = 0.1 if suffix != ".csv.gz" else 0.8
    assert found.lines == pytest.approx(90_000, rel=close)


def test_parts_are_for_what_does_not_fit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "sales.csv"
    path.write_text(LINES)
    data = DataConfig(path=str(path))
    ample = planned(path, 10**9, monkeypatch)
    assert (ample.parts, wants_cache(data, ample)) == (1, False)
    short = planned(path, ample.in_memory, monkeypatch)
    assert wants_cache(data, short)
    assert short.parts > 1
    assert planned(path, ample.in_memory // 4, monkeypatch).parts > short.parts
    unknown = planned(path, None, monkeypatch)
    assert (unknown.parts, wants_cache(data, unknown)) == (1, False)


def test_more_columns_take_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "sales.csv"
    path.write_text(LINES)
    one = planned(path, 10**9, monkeypatch)
    two = planned(path, 10**9, monkeypatch, target=["y", "z"], future_covariates=["price"])
    assert two.in_memory > one.in_memory


def test_wide_files_are_not_cached_by_themselves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "sales.csv"
    path.write_text(LINES)
    found = planned(path, 10_000, monkeypatch, wide_columns_are="series")
    assert found.is_large
    assert not wants_cache(DataConfig(wide_columns_are="series"), found)
    assert wants_cache(DataConfig(cache=True), found)


def test_a_cache_lies_beside_the_folder_that_is_read(tmp_path: Path) -> None:
    files = [tmp_path / "sales" / "a.parquet"]
    files[0].parent.mkdir()
    whole = cache_folder(DataConfig(path=str(tmp_path / "sales")), files)
    assert whole == tmp_path / "sales.tsconv-cache"
    pattern = cache_folder(DataConfig(path=str(tmp_path / "sales" / "*.parquet")), files)
    assert pattern == tmp_path / "sales" / "a.parquet.tsconv-cache"
    assert cache_folder(DataConfig(cache_dir="/fast"), files) == Path("/fast")
