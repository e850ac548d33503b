"""Tensors over files: read-only, of the right size, and advice that changes no value."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
import torch

from tsconv.data.mapped import MappedFile, in_memory_bytes, mapped_file, read_ahead, read_at_random
from tsconv.errors import DataError


@pytest.fixture
def file(tmp_path: Path) -> MappedFile:
    np.arange(40_000.0).tofile(tmp_path / "values.bin")
    return MappedFile(str(tmp_path / "values.bin"), (20_000, 2))


def test_mapping_gives_no_warning(file: MappedFile) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert file.map().sum() == np.arange(40_000.0).sum()


def test_only_the_whole_tensor_is_the_file(file: MappedFile) -> None:
    tensor = file.map()
    assert mapped_file(tensor) == file
    assert mapped_file(tensor[:5]) is None
    assert mapped_file(tensor.clone()) is None
    assert in_memory_bytes([tensor, torch.zeros(3)]) == 12


@pytest.mark.parametrize("content", [b"", b"1" * 8])
def test_a_file_of_another_size_is_refused(file: MappedFile, content: bytes) -> None:
    Path(file.path).write_bytes(content)
    with pytest.raises(DataError, match="320,000"):
        file.map()


def test_no_values_are_a_file_too(tmp_path: Path) -> None:
    (tmp_path / "none.bin").touch()
    assert MappedFile(str(tmp_path / "none.bin"), (0, 3)).map().shape == (0, 3)


def test_advice_on_reading_takes_any_rows(file: MappedFile) -> None:
    tensor = file.map()
    read_at_random(tensor, True)
    read_ahead(tensor, torch.tensor([-5, 100, 19_990, 30_000]), torch.tensor([3, 90, 20_050, 9]))
    read_at_random(tensor, False)
    assert tensor[19_999].tolist() == [39_998.0, 39_999.0]
    read_ahead(torch.zeros(3, 2), torch.tensor([0]), torch.tensor([2]))  # in memory: nothing to do
