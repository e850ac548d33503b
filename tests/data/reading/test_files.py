# ruff: noqa: E501
"""Files of odd shapes: long headers and records, archives by any name, what is no text."""

import bz2
import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest

from tsconv.config.schema import DataConfig
from tsconv.data.reading.column_roles import match_roles
from tsconv.data.reading.parquet_files.parquet_file import open_parquet, parquet_batches
from tsconv.data.reading.read import read_table, table_from_frame
from tsconv.data.reading.roles import DeclaredRoles, with_delays
from tsconv.errors import ConfigError, DataError

LONG = "unique_id,ds,y\na,2024-01-01,1\na,2024-01-02,2\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize("count", [9000, 150_000])
def test_a_long_header(count: int, encoding: str, tmp_path: Path) -> None:
    names = [f"series {k:06}" for k in range(count)]
    cells = ["1.5"] * count
    lines = (",".join(row) for row in (["ds", *names], ["1", *cells], ["2", *cells]))
    (tmp_path / "wide.csv").write_text("\n".join(lines), encoding=encoding)
    data = DataConfig(
        path=str(tmp_path / "wide.csv"), wide_columns_are="series", target=[names[0], names[-1]],
        encoding=encoding,
    )  # fmt: skip
    assert read_table(data).values.flatten().tolist() == [1.5] * 4


@pytest.mark.parametrize("quote", ["", '"'])
def test_a_long_record(quote: str, tmp_path: Path) -> None:
    line = f"a,2024-01-03,3,{quote}{'x' * 3_000_000}{quote}\n"
    text = LONG.replace("y\n", "y,comment\n").replace("1\n", "1,\n").replace("2\n", "2,\n")
    (tmp_path / "data.csv").write_text(text + line, encoding="utf-8")
    table = read_table(DataConfig(path=str(tmp_path / "data.csv")))
    assert table.values.flatten().tolist() == [1, 2, 3]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("DATA.CSV.GZ", gzip.compress(LONG.encode(), mtime=0)),
        ("data.csv", gzip.compress(LONG.encode(), mtime=0)),
        ("data.csv", bz2.compress(LONG.encode())),
        ("data.CSV.BZ2", bz2.compress(LONG.encode())),
    ],
)
def test_archives_by_any_name(name: str, content: bytes, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    assert len(read_table(DataConfig(path=str(tmp_path / name))).values) == 2


@pytest.mark.parametrize(
    ("text", "keys", "message"),
    [
        ("\ufeff" + LONG.replace("unique_id", '"unique_id"') + "b,2024-01-01,x\n", {}, "line 4, column `y`: 'x' is not a number"),
        ("\ufeff" + LONG.replace("unique_id", '"unique,id"') + "\nb,2024-01-01\n", {"id": "unique,id"}, "line 5: 2 fields where the header has 3"),
        ("unique_id,ds,y", {}, "there are no lines below the header"),
        (LONG + "a,2024-01-03,1\n" * 9000 + "b\0c,2024-01-01,1\n", {}, "line 9004, column `unique_id`: the id contains a zero byte"),
        (LONG.replace(",1\n", ",\n").replace(",2\n", ",NA\n"), {}, "data.csv: no series has an observed value: column `y` is empty; name another column in `data.target=`"),
        ("ds;a;b\n1;;\n2;;\n", {"sep": ";", "wide_columns_are": "series"}, "column `a` (and 1 more) is empty"),
        (LONG.replace(",", ";").replace("2\n", "1.234\n"), {"sep": ";", "decimal": ","}, "line 3, column `y`: '1.234' is not a number (1 such cell); if `.` groups digits, set `data.thousands='.'`; else fix it"),
        (LONG.replace(",", ";").replace("2\n", "1.234,5\n"), {"sep": ";", "decimal": ","}, "line 3, column `y`: '1.234,5' is not a number"),
    ],
)  # fmt: skip
def test_text_that_is_refused(
    text: str, keys: dict[str, Any], message: str, tmp_path: Path
) -> None:
    (tmp_path / "data.csv").write_text(text, encoding="utf-8")
    with pytest.raises(DataError) as caught:
        read_table(DataConfig(path=str(tmp_path / "data.csv"), **keys))
    assert message in str(caught.value)


@pytest.mark.parametrize("value", [["a"], {"a": 1}])
@pytest.mark.parametrize("column", ["unique_id", "ds", "y"])
def test_several_values_in_a_cell(column: str, value: Any, tmp_path: Path) -> None:
    frame = pd.DataFrame({"unique_id": ["a", "a"], "ds": [1, 2], "y": [1.0, 2.0]})
    frame[column] = pd.Series([value, value])
    with pytest.raises(DataError, match=f"line 2, column `{column}`"):
        table_from_frame(frame, DataConfig())
    frame.to_parquet(tmp_path / "data.parquet")
    with pytest.raises(DataError, match=f"column `{column}` holds .*, not one value a line"):
        read_table(DataConfig(path=str(tmp_path / "data.parquet")))


def test_a_missing_number_as_a_decimal_comma_writes_it(tmp_path: Path) -> None:
    (tmp_path / "data.csv").write_text("ds;y\n1;-9999.0\n2;1,5\n3;x\n", encoding="utf-8")
    data = DataConfig(
        path=str(tmp_path / "data.csv"), id=None, sep=";", decimal=",", bad_values="missing",
        na_values=["-9999.0"],
    )  # fmt: skip
    np.testing.assert_array_equal(read_table(data).values[:, 0], [np.nan, 1.5, np.nan])


def test_what_is_no_regular_file() -> None:
    with pytest.raises(DataError, match=r"`data\.path` \(=/dev/null\) is not a regular file"):
        read_table(DataConfig(path="/dev/null"))


def test_a_delay_without_end() -> None:
    with pytest.raises(ConfigError, match=r"the delay of `p` \(=9{20}\) must be at most 1,000,000"):
        with_delays([{"name": "p", "delay": 10**20 - 1}])


def test_batches_of_a_parquet_file_do_not_pile_up(tmp_path: Path) -> None:
    """A reader of several row groups at once keeps the buffers of all that it has read."""
    lines = 400_000
    values = np.random.default_rng(0).normal(size=lines)
    table = pa.table({"unique_id": ["a"] * lines, "ds": np.arange(lines), "y": values})
    pa.parquet.write_table(table, tmp_path / "a.parquet", row_group_size=10_000)
    del table
    declared = DeclaredRoles.of(DataConfig())
    roles, file = open_parquet(
        tmp_path / "a.parquet", lambda names, source: match_roles(names, declared, source), 1 << 20
    )
    before, seen, most = pa.total_allocated_bytes(), 0, 0
    with file:
        for batch in parquet_batches(file, 1 << 20, roles.wanted):
            seen += batch.num_rows
            most = max(most, pa.total_allocated_bytes() - before)
    assert seen == lines
    assert most < 8 * lines  # less than one of the three columns, and not 40 row groups
