"""Where the lines of shards wait between reading and forecasting: in a temporary file."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa

from tsconv.errors import ConfigError

Key = tuple[int, int]  # the number of a file, and of a shard


class LineStore:
    """The lines of shards in one temporary file, so that the data are read only once.

    On the disk they take no memory, and leave none in pieces. The file has no name: the disk's
    space is free again when the process ends, however it ends.
    """

    def __init__(self, folder: Path, advice: str = "make one shard at a time by `shard=`") -> None:
        """folder: where the temporary file lies; it takes about 30 bytes a line.

        advice: what else than free space to change where the disk is full.
        """
        self._folder, self._advice = folder, advice
        self._file: BinaryIO = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - closed by close
        self._places: dict[Key, list[tuple[int, int]]] = {}  # (offset, bytes)
        self._end = 0

    def put(self, file: int, shard: int, lines: pa.Table) -> None:
        """Add lines of a file to a shard."""
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, lines.schema) as writer:
            writer.write_table(lines)
        content = sink.getvalue()
        try:
            self._file.seek(self._end)
            self._file.write(content)
        except OSError as error:  # no fault of the file that is read
            raise ConfigError(
                f"the lines of all shards do not fit on the disk of {self._folder} "
                f"({error.strerror}): free about 30 bytes a line, or {self._advice}"
            ) from error
        self._places.setdefault((file, shard), []).append((self._end, content.size))
        self._end += content.size

    def take(self, file: int, shard: int) -> list[pa.Table]:
        """The lines of a file in a shard; [] for none."""
        found = []
        for offset, size in self._places.get((file, shard), []):
            self._file.seek(offset)
            content = pa.py_buffer(self._file.read(size))
            found.append(pa.ipc.open_stream(content).read_all())
        return found

    def drop(self, file: int) -> None:
        """Forget all lines of a file: it is read again, in another way."""
        for key in [key for key in self._places if key[0] == file]:
            del self._places[key]

    def close(self) -> None:
        """Give the disk's space back."""
        self._file.close()
