"""The start of a CSV file, and keys of the config that cannot be."""

from pathlib import Path

import pytest

from tsconv.config.schema import DataConfig
from tsconv.data.reading.read import read_table
from tsconv.errors import ConfigError


@pytest.mark.parametrize(
    ("key", "value"),
    [("sep", "ab"), ("sep", ""), ("decimal", "5"), ("sep", '"'), ("encoding", "no"),
     ("max_bytes", 0)],
)  # fmt: skip
def test_keys_that_cannot_be(tmp_path: Path, key: str, value: object) -> None:
    path = tmp_path / "a.csv"
    path.write_text("unique_id,ds,y\na,1,1\n")
    with pytest.raises(ConfigError, match=r"`data\."):
        read_table(DataConfig(path=str(path), **{key: value}))  # type: ignore[arg-type]
