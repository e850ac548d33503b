"""Lines wait in a temporary file, and come back as they were put in."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from tsconv.data.reading.shards.line_store import LineStore
from tsconv.errors import ConfigError


def lines(*ids: str) -> pa.Table:
    return pa.table({"id": pa.array(ids).dictionary_encode(), "y": [1.5] * len(ids)})


@pytest.fixture
def store(tmp_path: Path) -> LineStore:
    return LineStore(tmp_path)


def test_lines_come_back_in_order_by_file_and_shard(store: LineStore) -> None:
    store.put(0, 3, lines("a", "b"))
    store.put(1, 3, lines("z"))
    store.put(0, 2, lines("c"))
    store.put(0, 3, lines("d", "a"))
    found = pa.concat_tables(store.take(0, 3))
    assert found["id"].to_pylist() == ["a", "b", "d", "a"]
    assert found["y"].to_pylist() == [1.5] * 4
    assert [t["id"].to_pylist() for t in store.take(1, 3)] == [["z"]]
    assert store.take(1, 2) == []


def test_a_file_that_is_read_again_has_no_old_lines(store: LineStore) -> None:
    store.put(0, 1, lines("a"))
    store.put(1, 1, lines("b"))
    store.drop(0)
    store.put(0, 1, lines("c"))
    assert [t["id"].to_pylist() for t in store.take(0, 1)] == [["c"]]
    assert [t["id"].to_pylist() for t in store.take(1, 1)] == [["b"]]


def test_the_file_has_no_name(tmp_path: Path) -> None:
    store = LineStore(tmp_path)
    store.put(0, 0, lines("a"))
    assert list(tmp_path.iterdir()) == []
    store.close()


def test_a_full_disk_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full:
        def seek(self, _: int) -> None:
            raise OSError(28, "No space left on device")

    store = LineStore(tmp_path)
    monkeypatch.setattr(store, "_file", Full())
    with pytest.raises(ConfigError, match=r"do not fit on the disk .*No space left.*`shard=`"):
        store.put(0, 0, lines("a"))
