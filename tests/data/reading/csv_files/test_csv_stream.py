"""A CSV file in batches has the cells that it has when it is read at once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from tsconv.config.schema import DataConfig
from tsconv.data.reading.column_roles import ColumnRoles, match_roles
from tsconv.data.reading.csv_files import csv_stream
from tsconv.data.reading.csv_files.csv_file import read_csv
from tsconv.data.reading.roles import DeclaredRoles
from tsconv.data.settings import FileFormat, MissingPolicy
from tsconv.errors import DataError


class Lines:
    """Takes batches, as a frame; counts the times that it begins anew."""

    begun = 0

    def __call__(
        self, batches: Iterator[pa.RecordBatch], roles: ColumnRoles, is_text: bool
    ) -> None:
        self.begun += 1
        self.batches = list(batches)

    def frame(self) -> pd.DataFrame:
        table = pa.Table.from_batches(self.batches).unify_dictionaries()
        return table.to_pandas()


def stream(path: Path, lines: Lines) -> bool:
    declared = DeclaredRoles.of(DataConfig())

    def match(names: list[str], source: str) -> ColumnRoles:
        return match_roles(names, declared, source)

    _, is_text = csv_stream.stream_csv(path, match, FileFormat(), MissingPolicy(), False, lines)
    expected, _, _ = read_csv(path, match, FileFormat(), MissingPolicy(bad_values="missing"))
    found = lines.frame()
    for name in ("unique_id", "ds"):
        pd.testing.assert_series_equal(found[name].astype(str), expected[name].astype(str))
    return is_text


def test_batches_hold_what_the_file_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_stream, "_BLOCKS", (1 << 10, 1 << 26))
    path = tmp_path / "a.csv"
    rows = [f"s{i % 7},2024-01-{1 + i % 28:02d},{i / 4}" for i in range(400)]
    path.write_text("\n".join(["unique_id,ds,y", *rows]) + "\n")
    lines = Lines()
    assert not stream(path, lines)
    assert len(lines.batches) > 3
    assert lines.frame()["y"].tolist() == [i / 4 for i in range(400)]


def test_a_cell_of_another_type_begins_anew_with_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv_stream, "_BLOCKS", (1 << 10, 1 << 26))
    path = tmp_path / "a.csv"
    good = ["a,2024-01-01,1"] * 300
    path.write_text("\n".join(["unique_id,ds,y", *good, "a,2024-01-02,x", "a,3 Jan,2"]) + "\n")
    lines = Lines()
    assert stream(path, lines)
    assert lines.begun == 3  # numbers as text, then the times too
    assert lines.frame()["y"].tolist() == ["1"] * 300 + ["x", "2"]


def test_a_record_longer_than_a_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_stream, "_BLOCKS", (1 << 8, 1 << 26))
    path = tmp_path / "a.csv"
    path.write_text(f"unique_id,ds,y\na,2024-01-01,1\n{'b' * 2000},2024-01-02,2\n")
    lines = Lines()
    stream(path, lines)
    assert lines.frame()["unique_id"].tolist() == ["a", "b" * 2000]


def test_bytes_of_another_encoding_are_named(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"unique_id,ds,y\nz\xfcrich,2024-01-01,1\n")
    with pytest.raises(DataError, match="line 2: the byte 0xfc is not utf-8"):
        stream(path, Lines())
