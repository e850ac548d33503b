"""A CSV file read in pieces is the table that one read of it gives."""

from pathlib import Path

import pyarrow as pa
import pytest

from tsconv.check.tables import raw_csv
from tsconv.check.tables.raw_table import RawTable, read_raw_table
from tsconv.config.schema import DataConfig

N = 200


def read(path: Path, piece: int, monkeypatch: pytest.MonkeyPatch) -> RawTable:
    monkeypatch.setattr(raw_csv, "_PIECE", piece)
    table = read_raw_table([path], DataConfig())
    assert table is not None
    return table


@pytest.mark.parametrize(
    ("early", "late"),
    [
        ("7", "8"),
        ("7", "3000000000"),
        ("7", "7.5"),
        ("7", "x"),
        ("", "x"),
        ("", "4"),
        ("007", "8"),
        ("2024-01-01", "2024-01-01 10:00"),
        ("12:30", "12:45"),
        ("true", "false"),
        ("1", "true"),
        ("2024-01-01T00:00:00+01:00", "2024-01-01T00:00:00+02:00"),
    ],
)
def test_pieces_are_read_as_the_whole_file_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, early: str, late: str
) -> None:
    path = tmp_path / "a.csv"
    lines = [f"{i},{early if i < N // 2 else late}" for i in range(N)]
    path.write_text("\n".join(["i,cell", *lines, ""]))
    whole, pieces = (read(path, size, monkeypatch) for size in (1_000_000, 300))
    assert pieces.columns == whole.columns
    assert pieces.complete
    for name in ("i", "cell"):
        assert pieces.codes(name).tolist() == whole.codes(name).tolist()
        assert pieces.arrow[name].to_pylist() == whole.arrow[name].to_pylist()


def test_whole_numbers_are_kept_small(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("a,b,c\n1,-300,3000000000\n2,,1\n")
    table, used, complete = raw_csv.read_raw_csv(path, DataConfig(), 1000)
    assert table.schema.types == [pa.int8(), pa.int16(), pa.int64()]
    assert (used, complete) == (path.stat().st_size, True)


def test_what_is_read_ends_with_a_whole_line(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("a,b\n1,2\n3,4\n5,6\n")
    table, used, complete = raw_csv.read_raw_csv(path, DataConfig(), 14)
    assert table.to_pydict() == {"a": [1, 3], "b": [2, 4]}
    assert (used, complete) == (12, False)


def test_utf_16_is_read_as_one_piece(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.csv"
    path.write_text("a,b\n1,2\n3,4\n", encoding="utf-16")
    monkeypatch.setattr(raw_csv, "_PIECE", 10)
    table, *_ = raw_csv.read_raw_csv(path, DataConfig(encoding="utf-16"), 1000)
    assert table.to_pydict() == {"a": [1, 3], "b": [2, 4]}
