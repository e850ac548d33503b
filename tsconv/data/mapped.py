"""Tensors over files: the operating system reads what is used, and drops it where memory is short.

A mapped tensor is read-only: writing to it would end the process. Other processes map the same file
again by its `MappedFile`, and share the memory in which the operating system keeps it.
"""

from __future__ import annotations

import dataclasses
import mmap
import warnings
from collections.abc import Iterable, MutableMapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.utils.weak import WeakTensorKeyDictionary

from tsconv.errors import DataError

# A tensor -> the file that it lies in, and its map.
_FILES: MutableMapping[Tensor, tuple[MappedFile, mmap.mmap]] = WeakTensorKeyDictionary()


@dataclasses.dataclass(frozen=True)
class MappedFile:
    """A file of numbers in the byte order of the machine, and the shape that they have.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "values.bin"
    >>> np.arange(6.0).tofile(path)
    >>> tensor = MappedFile(str(path), (3, 2)).map()
    >>> tensor.tolist(), mapped_file(tensor).shape, mapped_file(tensor + 1)
    ([[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]], (3, 2), None)
    """

    path: str
    shape: tuple[int, ...]
    dtype: str = "float64"

    @property
    def n_bytes(self) -> int:
        """The size of the file."""
        return int(np.prod(self.shape, dtype="int64")) * np.dtype(self.dtype).itemsize

    def map(self) -> Tensor:
        """The numbers as a read-only tensor; raises DataError where the file is not that one."""
        try:
            size = Path(self.path).stat().st_size
        except OSError as error:
            raise DataError(f"{self.path}: {error.strerror}; all processes must see it") from error
        if size != self.n_bytes:
            raise DataError(f"{self.path}: has {size:,} bytes, not {self.n_bytes:,}: delete it")
        if size == 0:
            return torch.from_numpy(np.empty(self.shape, self.dtype))
        with open(self.path, "rb") as file:
            content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        array = np.frombuffer(content, self.dtype).reshape(self.shape)
        with warnings.catch_warnings():  # that the array cannot be written to is what is wanted
            warnings.filterwarnings("ignore", "The given NumPy array is not writable")
            tensor = torch.from_numpy(array)
        _FILES[tensor] = (self, content)
        return tensor


def mapped_file(tensor: Tensor) -> MappedFile | None:
    """The file that a tensor is the whole content of; None for a tensor in memory, or a part."""
    found = _FILES.get(tensor)
    return None if found is None else found[0]


def read_at_random(tensor: Tensor, at_random: bool) -> None:
    """Say whether a mapped tensor is read here and there, or from its start to its end.

    The operating system then reads single pages, or many ahead. In memory it makes no difference.
    """
    found = _FILES.get(tensor)
    if found is not None and hasattr(mmap, "MADV_RANDOM"):
        found[1].madvise(mmap.MADV_RANDOM if at_random else mmap.MADV_NORMAL)


def read_ahead(tensor: Tensor, begins: Tensor, ends: Tensor) -> None:
    """Let the operating system read some rows of a mapped tensor, while the process goes on.

    begins, ends: (n,) the first row of each stretch, and the one after its last.
    """
    found = _FILES.get(tensor)
    if found is None or not hasattr(mmap, "MADV_WILLNEED"):
        return
    row, page = tensor[:1].numel() * tensor.element_size(), mmap.PAGESIZE
    first = begins.clamp(0, len(tensor)) * row // page * page
    size = ends.clamp(0, len(tensor)) * row - first
    for start, length in zip(first.tolist(), size.tolist(), strict=True):
        if length > 0:
            found[1].madvise(mmap.MADV_WILLNEED, start, length)


def in_memory_bytes(tensors: Iterable[Tensor]) -> int:
    """Bytes of the tensors that are not mapped: those that memory must hold."""
    return sum(t.numel() * t.element_size() for t in tensors if mapped_file(t) is None)
