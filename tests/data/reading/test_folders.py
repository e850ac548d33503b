"""A folder as `data.path`: its Parquet files or its CSV files, in order of name."""

from __future__ import annotations

from pathlib import Path

import pytest

from tsconv.config.schema import DataConfig
from tsconv.data.reading.files import find_files
from tsconv.data.reading.read import read_table
from tsconv.errors import DataError


def put(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def test_files_that_are_none_of_the_data_are_left_out(tmp_path: Path) -> None:
    put(
        tmp_path, "b.parquet", "a.pq", "_metadata.parquet", ".c.parquet", "_SUCCESS", "in/d.parquet"
    )
    assert [path.name for path in find_files(str(tmp_path))] == ["a.pq", "b.parquet"]


def test_csv_files_may_be_compressed(tmp_path: Path) -> None:
    put(tmp_path, "b.csv.gz", "a.CSV", "notes.txt")
    assert [path.name for path in find_files(str(tmp_path))] == ["a.CSV", "b.csv.gz"]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (("a.csv", "b.parquet"), "Parquet and CSV files, such as b.parquet and a.csv"),
        (("in/d.parquet",), r"neither Parquet nor CSV files: .*\*\*/\*\.parquet"),
    ],
)
def test_what_cannot_be_chosen_is_one_line(
    tmp_path: Path, names: tuple[str, ...], message: str
) -> None:
    put(tmp_path, *names)
    with pytest.raises(DataError, match=message) as caught:
        find_files(str(tmp_path))
    assert "\n" not in str(caught.value)


def test_the_lines_of_all_are_read(tmp_path: Path) -> None:
    (tmp_path / "1.csv").write_text("unique_id,ds,y\na,1,5\n")
    (tmp_path / "2.csv").write_text("unique_id,ds,y\nb,1,7\n")
    table = read_table(DataConfig(path=str(tmp_path)))
    assert (table.ids, table.values.ravel().tolist()) == (("a", "b"), [5.0, 7.0])
