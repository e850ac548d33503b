"""Tensors of a bundle: a safetensors file, checked by its header and hashed while it is read.

The library writes these files. It is not what reads them: its loader maps a file into memory, which
a checksum would have to read once more, and names neither the tensor nor the sizes that are wrong.
Here each byte is read once, into the memory in which its tensor stays. Format:
https://huggingface.co/docs/safetensors
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import torch
from safetensors.torch import save_file
from torch import Tensor

from tsconv.data.fingerprint import file_hash
from tsconv.errors import BundleError
from tsconv.forecasting.bundles.checks import require_finite, shown

_DTYPES = {
    "F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16,
    "I64": torch.int64, "I32": torch.int32, "I16": torch.int16, "I8": torch.int8,
    "U8": torch.uint8, "BOOL": torch.bool,
}  # fmt: skip
_NAMES = {dtype: name for name, dtype in _DTYPES.items()}
_LONGEST_HEADER = 100_000_000  # bytes, as the library has it
_MOST_AXES = 16


@dataclasses.dataclass(frozen=True)
class Entry:
    """What a header says of a tensor."""

    dtype: torch.dtype
    shape: tuple[int, ...]
    begin: int  # bytes behind the header
    end: int

    @property
    def text(self) -> str:
        """Its type and shape, for a message.

        >>> Entry(torch.float32, (3, 4), 0, 48).text
        'F32 of (3, 4)'
        """
        return f"{_NAMES[self.dtype]} of {shown(self.shape)}"


class TensorFile:
    """An open safetensors file whose header is read; raises OSError, and BundleError for damage.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "model.safetensors"
    >>> checksum = write_tensors({"weight": torch.ones(2)}, path)
    >>> with TensorFile(path) as file:
    ...     sorted(file.entries), file.read(checksum)["weight"]
    (['weight'], tensor([1., 1.]))
    """

    def __init__(self, path: Path) -> None:
        self.name = path.name
        self._file: BinaryIO = path.open("rb")
        try:
            self.size = os.fstat(self._file.fileno()).st_size
            self._digest = hashlib.sha256()
            self.entries = self._header()
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> TensorFile:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    @property
    def n_numbers(self) -> int:
        """Numbers of all tensors."""
        return sum(math.prod(entry.shape) for entry in self.entries.values())

    def read(self, checksum: str | None) -> dict[str, Tensor]:
        """All tensors, each in memory of its own.

        checksum: SHA-256 of the whole file; None: not known, of formats that have none. Raises
        BundleError where it differs, and where a number is not finite.
        """
        found = {}
        for name, at in sorted(self.entries.items(), key=lambda item: item[1].begin):
            tensor = torch.empty(at.shape, dtype=at.dtype)
            if at.end > at.begin:
                raw = memoryview(tensor.view(-1).view(torch.uint8).numpy())  # type: ignore[arg-type]
                if self._file.readinto(raw) != len(raw):  # type: ignore[attr-defined]
                    raise BundleError(f"{self.name} became shorter while it was read")
                if checksum is not None:
                    self._digest.update(raw)
            found[name] = tensor
        if checksum is not None and self._digest.hexdigest() != checksum:
            raise BundleError(
                f"{self.name} is damaged or of another bundle (its checksum is not the one in "
                f"config.json): put back the file that was written with it"
            )
        require_finite(found, self.name)
        return found

    def _header(self) -> dict[str, Entry]:
        """The entries, which fill the bytes behind the header without a gap."""
        length = int.from_bytes(self._bytes(8), "little")
        if length > min(_LONGEST_HEADER, self.size - 8):
            raise BundleError(
                f"{self.name} is not a safetensors file, or is cut off: its header of {length:,} "
                f"bytes does not fit in a file of {self.size:,}"
            )
        try:
            values = json.loads(self._bytes(length).decode("utf-8"), object_pairs_hook=self._unique)
        except (ValueError, RecursionError) as error:
            raise BundleError(f"{self.name} is not a safetensors file: no JSON header") from error
        if not isinstance(values, dict):
            raise BundleError(f"{self.name} is not a safetensors file: no JSON header")
        values.pop("__metadata__", None)
        entries = {name: self._entry(name, value) for name, value in values.items()}
        end = 0
        for name, at in sorted(entries.items(), key=lambda item: (item[1].begin, item[1].end)):
            if at.begin != end:
                raise BundleError(
                    f"{self.name}: tensor `{shown(name)}` begins at byte {at.begin:,} instead of "
                    f"{end:,}"
                )
            end = at.end
        if 8 + length + end != self.size:
            short = 8 + length + end > self.size
            fault = "it is cut off" if short else "it has bytes behind its tensors"
            raise BundleError(
                f"{self.name} is damaged: {fault}, with {self.size:,} bytes where its header says "
                f"{8 + length + end:,}"
            )
        return entries

    def _entry(self, name: str, value: Any) -> Entry:
        """What a header says of one tensor; raises BundleError where it cannot be."""
        where = f"{self.name}: tensor `{shown(name)}`"
        if not isinstance(value, dict) or set(value) != {"dtype", "shape", "data_offsets"}:
            raise BundleError(f"{where} has not a dtype, a shape and data_offsets in the header")
        kind, shape, offsets = value["dtype"], value["shape"], value["data_offsets"]
        if not isinstance(kind, str) or kind not in _DTYPES:
            raise BundleError(f"{where} has the type {shown(kind)}, which no bundle has")
        if not _are_sizes(shape) or len(shape) > _MOST_AXES:
            raise BundleError(f"{where} has the shape {shown(shape)}")
        if not _are_sizes(offsets) or len(offsets) != 2:
            raise BundleError(f"{where} has the data_offsets {shown(offsets)}")
        begin, end = offsets
        size = math.prod(shape) * _DTYPES[kind].itemsize
        if end - begin != size:
            raise BundleError(
                f"{where} has {shown(end - begin)} bytes, and {kind} of {shown(tuple(shape))} "
                f"takes {shown(size)}"
            )
        return Entry(_DTYPES[kind], tuple(shape), begin, end)

    def _bytes(self, count: int) -> bytes:
        found = self._file.read(count)
        if len(found) != count:
            raise BundleError(f"{self.name} is damaged: it is cut off after {self.size:,} bytes")
        self._digest.update(found)
        return found

    def _unique(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        values = dict(pairs)
        if len(values) < len(pairs):
            raise BundleError(f"{self.name}: a name stands in its header twice")
        return values


def _are_sizes(value: Any) -> bool:
    """Whether a value of a header is a list of whole numbers that a file's sizes can be."""
    return isinstance(value, list) and all(
        isinstance(n, int) and not isinstance(n, bool) and 0 <= n < 2**62 for n in value
    )


def require_tensors(
    entries: Mapping[str, Entry], wanted: Mapping[str, Tensor], file: str, whose: str
) -> None:
    """Raise BundleError unless a file has the tensors that are wanted, and no others.

    Only the names, the types and the shapes of `wanted` count; real numbers are float32 in every
    bundle. file, whose: for the message.

    >>> require_tensors({}, {"weight": torch.ones(2)}, "model.safetensors", "the network")
    Traceback (most recent call last):
        ...
    tsconv.errors.BundleError: model.safetensors: tensor `weight` of the network is missing
    """
    for name, tensor in wanted.items():
        if name not in entries:
            raise BundleError(f"{file}: tensor `{shown(name)}` of {whose} is missing")
        dtype = torch.float32 if tensor.is_floating_point() else tensor.dtype
        right = Entry(dtype, tuple(tensor.shape), 0, 0)
        found = entries[name]
        if (found.dtype, found.shape) != (right.dtype, right.shape):
            raise BundleError(
                f"{file}: tensor `{shown(name)}` is {found.text}, and {whose} in config.json takes "
                f"{right.text}"
            )
    for name in entries:
        if name not in wanted:
            raise BundleError(f"{file}: {whose} in config.json has no tensor `{shown(name)}`")


def require_float32(tensors: Mapping[str, Tensor]) -> None:
    """Raise BundleError where real numbers are not float32, the one type that bundles have.

    >>> require_float32({"weight": torch.ones(2)})
    """
    for name, tensor in tensors.items():
        if tensor.is_floating_point() and tensor.dtype != torch.float32:
            raise BundleError(
                f"the bundle is not written: tensor `{name}` of the network is {tensor.dtype}, and "
                f"bundles hold float32: call `net.float()` before"
            )


def write_tensors(tensors: dict[str, Tensor], path: Path) -> str:
    """Write a safetensors file, and return the SHA-256 of what is on the disk; raises OSError."""
    save_file(tensors, path)
    return file_hash(path)
