"""Compressed files: recognised by name or first bytes, and unpacked while they are read."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

COMPRESSED = {".gz": "gzip", ".bz2": "bz2", ".zst": "zstd", ".lz4": "lz4", ".br": "brotli"}
# First bytes of an archive whose name does not show it.
_MAGIC = {
    b"\x1f\x8b\x08": "gzip", b"BZh91AY&SY": "bz2", b"\x28\xb5\x2f\xfd": "zstd",
    b"\x04\x22\x4d\x18": "lz4",
}  # fmt: skip

_LEAST_CAP = 100_000_000  # bytes that a compressed file may always expand to
_RATIO = 100  # and how many times its own size


def largest_size(own: int, max_bytes: int | None) -> int:
    """The bytes that an archive of `own` bytes may expand to: `max_bytes` where it is given.

    >>> largest_size(5_000_000, None)
    500000000
    """
    return max_bytes or max(_LEAST_CAP, _RATIO * own)


def compression_of(path: Path) -> str | None:
    """How a file is compressed, by its name or else its first bytes; None for a plain one.

    >>> compression_of(Path("sales.csv.gz"))
    'gzip'
    """
    named = COMPRESSED.get(path.suffix.lower())
    if named is not None:
        return named
    with path.open("rb") as file:
        start = file.read(max(map(len, _MAGIC)))
    return next((codec for magic, codec in _MAGIC.items() if start.startswith(magic)), None)


def open_unpacked(path: Path) -> pa.NativeFile:
    """The bytes of a file as a stream, unpacked where it is compressed."""
    return pa.input_stream(str(path), compression=compression_of(path))
