"""The table of a shard holds what the whole table holds of its series."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from tsconv.config.schema import DataConfig
from tsconv.data.reading.read import read_table
from tsconv.data.reading.shards.line_store import LineStore
from tsconv.data.reading.shards.scan import scan
from tsconv.data.reading.shards.shard import shards_of
from tsconv.data.reading.shards.shard_table import WholeTable
from tsconv.data.reading.table import Table, target_decimals
from tsconv.errors import DataError

SHARDS = 3


def frame(count: int = 20, length: int = 12) -> pd.DataFrame:
    """Series interleaved in time: numbers with decimals, a row, a category and two id columns."""
    rng = np.random.default_rng(1)
    numbers = np.tile(np.arange(count), length)
    return pd.DataFrame(
        {
            "shop": [f"{n // 4:03d}" for n in numbers],
            "item": [("ale", "rum", "a/b", "gin")[n % 4] for n in numbers],
            "number": numbers + 7,
            "station": [f"station {(i * 7) % 5}" for i in range(len(numbers))],
            "ds": np.repeat(pd.date_range("2024-01-01", periods=length), count),
            "y": rng.normal(20, 5, len(numbers)).round(2),
            "sky": [("fair", "rain", "")[i % 3] for i in range(len(numbers))],
        }
    )


def write(path: Path, content: pd.DataFrame, **how: Any) -> str:
    if path.suffix == ".parquet":
        content.to_parquet(path, row_group_size=50)
    else:
        content.to_csv(path, index=False, **how)
    return str(path)


def lines_of(table: Table) -> list[tuple[Any, ...]]:
    """What each line says, and where it stands."""
    sky = table.past
    names = [] if sky is None else [*sky.categories["sky"]]
    return [
        (
            table.ids[table.codes[i]],
            table.rows[table.row_codes[i]] if table.row_codes is not None else None,
            table.time[i],
            table.values[i].tolist(),
            None if sky is None else names[int(sky.values[i, 0])],
            table.locations(i),
        )
        for i in range(len(table.codes))
    ]


def assert_shards_are_the_whole(data: DataConfig, tmp_path: Path) -> None:
    whole = read_table(data)
    wanted = shards_of(whole.ids, SHARDS)
    spool = scan(data, SHARDS, range(SHARDS), LineStore(tmp_path), head=10)
    for shard in range(SHARDS):
        alone = scan(data, SHARDS, [shard], LineStore(tmp_path), head=10)
        for scanned in (spool, alone):
            found = scanned.table(shard)
            assert found is not None
            first = [line for line in lines_of(whole)[:10]]
            own = [
                line
                for line, code in zip(lines_of(whole), whole.codes, strict=True)
                if wanted[code] == shard
            ]
            if not isinstance(scanned, WholeTable):
                assert lines_of(found.table) == first + [line for line in own if line not in first]
            assert found.decimals == target_decimals(whole)
            assert found.table.rows == whole.rows
            order = np.argsort(found.position)
            places = [whole.ids.index(found.table.ids[s]) for s in order]
            assert places == sorted(places)


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "a.parquet"])
@pytest.mark.parametrize(
    "roles",
    [
        {"id": "shop"},
        {"id": ["shop", "item"], "past_covariates": "sky", "categories": "sky"},
        {"id": "number", "row": "station"},
    ],
)
def test_long_files(tmp_path: Path, name: str, roles: dict[str, Any]) -> None:
    content = frame()
    if "row" in roles or roles["id"] == "shop":
        content = content.assign(ds=pd.date_range("2020-01-01", periods=len(content)))
    data = DataConfig(path=write(tmp_path / name, content), **roles)
    assert_shards_are_the_whole(data, tmp_path)


def test_several_files_and_names_of_files(tmp_path: Path) -> None:
    content = frame()
    for i in range(3):
        some = content.iloc[i::3].assign(number=content["number"] * 10 + i)
        write(tmp_path / f"air_p{i}.csv", some)
    data = DataConfig(path=f"{tmp_path}/air_*.csv", id="number", row_from_file=r"air_(\w+)")
    assert_shards_are_the_whole(data, tmp_path)
    data = DataConfig(path=f"{tmp_path}/air_*.csv", id=None, id_from_file=r"air_(\w+)")
    assert_shards_are_the_whole(dataclasses.replace(data, id="unique_id"), tmp_path)


def test_numbers_that_come_as_text(tmp_path: Path) -> None:
    content = frame()
    content["y"] = content["y"].astype(str)
    content.loc[40, "y"] = "1,234.125"
    path = write(tmp_path / "a.csv", content)
    data = DataConfig(path=path, id="number", thousands=",")
    assert_shards_are_the_whole(data, tmp_path)
    bad = DataConfig(path=path, id="number")
    own = int(shards_of([str(content.loc[40, "number"])], SHARDS)[0])
    for shard in range(SHARDS):
        scanned = scan(bad, SHARDS, [shard], LineStore(tmp_path))
        if shard == own:
            with pytest.raises(DataError, match=r"a\.csv: line 42, column `y`: '1,234.125' is not"):
                scanned.table(shard)
        else:
            assert scanned.table(shard) is not None


def test_times_that_are_read_otherwise_further_down(tmp_path: Path) -> None:
    content = frame()
    content["ds"] = content["ds"].dt.strftime("%Y-%m-%d")
    content.loc[100:, "ds"] += " 00:00+00:00"
    content.loc[:99, "ds"] += " 00:00+00:00"
    content.loc[0, "ds"] = "2024-01-01"
    data = DataConfig(path=write(tmp_path / "a.csv", content), id="number", timezone="UTC")
    assert_shards_are_the_whole(data, tmp_path)


def test_wide_files_and_ids_of_other_types_are_read_whole(tmp_path: Path) -> None:
    content = frame()
    wide = content.pivot_table(index="ds", columns="number", values="y").reset_index()
    data = DataConfig(path=write(tmp_path / "w.csv", wide), wide_columns_are="series")
    assert isinstance(scan(data, SHARDS, [0], LineStore(tmp_path)), WholeTable)
    assert_shards_are_the_whole(data, tmp_path)
    halves = content.assign(number=content["number"] / 2)
    data = DataConfig(path=write(tmp_path / "h.parquet", halves), id="number")
    assert isinstance(scan(data, SHARDS, [0], LineStore(tmp_path)), WholeTable)


def test_only_the_lines_of_the_shard_are_kept(tmp_path: Path) -> None:
    content = frame(count=100, length=30)
    data = DataConfig(path=write(tmp_path / "a.parquet", content), id="number")
    store = LineStore(tmp_path)
    scan(data, 10, [4], store, head=5)
    own = (shards_of([str(n) for n in content["number"]], 10) == 4).sum()
    kept = sum(table.num_rows for table in store.take(0, 4))
    assert kept == own
    assert sum(table.num_rows for table in store.take(0, -1)) == 5


def test_an_empty_id_is_named_by_every_shard(tmp_path: Path) -> None:
    content = frame()
    content.loc[33, "shop"] = ""
    for name in ("a.csv", "a.parquet"):
        data = DataConfig(path=write(tmp_path / name, content), id="shop")
        for shard in range(SHARDS):
            with pytest.raises(DataError, match="line 35, column `shop`: the id is empty"):
                scan(data, SHARDS, [shard], LineStore(tmp_path))


def test_files_that_cannot_be_read_are_refused_as_by_read_table(tmp_path: Path) -> None:
    (tmp_path / "empty.csv").write_text("unique_id,ds,y\n")
    (tmp_path / "torn.csv").write_text("unique_id,ds,y\na,2024-01-01,1\na,2024-01-02\n")
    (tmp_path / "no.parquet").write_bytes(b"PAR1 not at all")
    (tmp_path / "a.zip").write_bytes(b"PK")
    lists = pa.table({"unique_id": ["a"], "ds": [1], "y": [[1.0]]})
    pa.parquet.write_table(lists, tmp_path / "lists.parquet")
    names = ("empty.csv", "torn.csv", "no.parquet", "a.zip", "lists.parquet", "missing.csv")
    for name in names:
        data = DataConfig(path=str(tmp_path / name))
        with pytest.raises(DataError) as expected:
            read_table(data)
        with pytest.raises(DataError) as found:
            scan(data, SHARDS, [0], LineStore(tmp_path))
        assert str(found.value) == str(expected.value)


def test_a_future_file_without_lines_of_the_shard_has_no_table(tmp_path: Path) -> None:
    content = pd.DataFrame({"number": 7, "ds": [1, 2], "price": [3.0, 4.0]})
    data = DataConfig(
        path=write(tmp_path / "f.csv", content), id="number", future_covariates="price"
    )
    own = int(shards_of(["7"], SHARDS)[0])
    for shard in range(SHARDS):
        found = scan(data, SHARDS, [shard], LineStore(tmp_path), future_only=True).table(shard)
        assert (found is None) == (shard != own)
