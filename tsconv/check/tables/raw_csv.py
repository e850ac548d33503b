"""All columns of a CSV file, in the types that pyarrow infers, as few bytes a cell as they need.

The file is read in pieces of whole lines: while pyarrow infers types it keeps the text of all lines
beside their values, which for a large file at once is several times its size.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from tsconv.check.tables.columns import is_text
from tsconv.config.schema import DataConfig
from tsconv.data.missing import MISSING
from tsconv.data.reading.csv_files.compression import open_unpacked
from tsconv.data.settings import FileFormat

_PIECE = 16_000_000  # bytes
_HEAD = 1_000_000  # bytes in which leading zeros are looked for
_TEXT = pa.dictionary(pa.int32(), pa.string())
_MOST_DISTINCT = 5000  # texts in a block, up to which each is kept once
_SMALL_INTEGERS = (pa.int8(), pa.int16(), pa.int32())
Types = dict[str, pa.DataType]


def read_raw_csv(path: Path, data: DataConfig, most_bytes: int) -> tuple[pa.Table, int, bool]:
    """The table of a CSV file, the bytes that it took, and whether that is the whole file.

    Reads the file format (`sep`, `encoding`, `decimal`, `na_values`) from `data`. Raises pyarrow's
    errors for a file that is no table.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "sales.csv"
    >>> _ = path.write_text("shop,sold\\n007,3\\n")
    >>> table, used, complete = read_raw_csv(path, DataConfig(), most_bytes=1000)
    >>> table.to_pylist(), used, complete
    ([{'shop': '007', 'sold': 3}], 16, True)
    """
    size = _PIECE if _has_plain_line_ends(data.encoding) else most_bytes
    pieces = _Pieces(path, data, most_bytes, size)
    tables = pieces.read({})
    # As they are written: reading joins times of day with a date as text, and offsets tell zones.
    written = {f.name: _TEXT for t in tables for f in t.schema if _stays_text(f.type)}
    written |= dict.fromkeys(_text_in_some(tables), _TEXT)
    written |= dict.fromkeys(_with_leading_zeros(pieces.head, tables[0], data), _TEXT)
    if written:
        tables.clear()
        tables = pieces.read(written)
    try:
        table = concat_tables(tables)
    except (pa.ArrowInvalid, pa.ArrowTypeError):  # such as days in one piece, times in another
        tables.clear()
        pieces = _Pieces(path, data, most_bytes, most_bytes)
        table = concat_tables(pieces.read(written))
    return table, pieces.used, not pieces.more


def concat_tables(tables: Sequence[pa.Table]) -> pa.Table:
    """Tables end to end; a column that is text in one and something else in another is text.

    Raises ArrowInvalid or ArrowTypeError where a column is of kinds that have nothing in common.
    """
    texts = {f.name for t in tables for f in t.schema if is_text(f.type)}
    kinds = {(f.name, str(f.type)) for t in tables for f in t.schema}
    mixed = {name for name in texts if sum(n == name for n, _ in kinds) > 1}
    for name in mixed:
        tables = [
            t.set_column(t.column_names.index(name), name, t[name].cast(pa.string()))
            if name in t.column_names
            else t
            for t in tables
        ]
    return pa.concat_tables(tables, promote_options="permissive")


class _Pieces:
    """A CSV file as pieces of whole lines, of about `size` bytes each, `most_bytes` in all."""

    def __init__(self, path: Path, data: DataConfig, most_bytes: int, size: int) -> None:
        self.path, self.data, self.most_bytes, self.size = path, data, most_bytes, size
        self.head = b""  # the first lines
        self.used, self.more = 0, False  # bytes that were read, and whether there are others

    def read(self, types: Types) -> list[pa.Table]:
        """A table a piece; types: of the columns whose type is not to be inferred."""
        tables: list[pa.Table] = []
        self.used = 0
        names: list[str] | None = None  # the first piece holds the header
        with open_unpacked(self.path) as stream:
            for piece in self._pieces(stream):
                self.head = self.head or piece[:_HEAD]
                self.used += len(piece)
                if names is not None and not piece.strip():
                    continue
                table = _read_block(piece, self.data, types, names)
                names = names or table.column_names
                columns = [_narrowed(column) for column in table.columns]
                tables.append(pa.Table.from_arrays(columns, names=names))
                del table, columns
                pa.default_memory_pool().release_unused()
        if not tables:
            raise pa.ArrowInvalid(f"{self.path} is empty")
        return tables

    def _pieces(self, stream: pa.NativeFile) -> Iterator[bytes]:
        rest, left = b"", self.most_bytes
        while left and (read := stream.read(min(self.size, left))):
            left -= len(read)
            lines = rest + read
            whole = left > 0 and self.size == self.most_bytes  # not cut: see _has_plain_line_ends
            end = 0 if whole else lines.rfind(b"\n") + 1
            rest = lines[end:]
            if end:
                yield lines[:end]
        self.more = not left and len(stream.read(1)) > 0
        if rest and not self.more:
            yield rest


def _narrowed(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A column of whole numbers in the smallest type that holds them; others as they are."""
    if not pa.types.is_integer(column.type):
        return column
    ends = pc.min_max(column)
    for kind in _SMALL_INTEGERS:
        most = 2 ** (kind.bit_width - 1) - 1
        if -most <= (ends["min"].as_py() or 0) and (ends["max"].as_py() or 0) <= most:
            return column.cast(kind)
    return column


def _has_plain_line_ends(encoding: str) -> bool:
    """Whether a line feed is the byte 10 and nothing else, as it is not in UTF-16."""
    return "a\n".encode(encoding)[-2:] == b"a\n"


def _text_in_some(tables: Sequence[pa.Table]) -> list[str]:
    """The columns that are text in some tables and not in others."""
    texts = [{f.name for f in t.schema if is_text(f.type)} for t in tables]
    return sorted(set.union(*texts) - set.intersection(*texts))


def _with_leading_zeros(start: bytes, table: pa.Table, data: DataConfig) -> list[str]:
    """The columns of numbers that are written with leading zeros: 007 is a name, and 1e5 too."""
    whole = {
        f.name: pa.string()
        for f in table.schema
        if pa.types.is_integer(f.type) or pa.types.is_floating(f.type)
    }
    if len(start) == _HEAD:
        start = start[: start.rfind(b"\n") + 1]
    if not whole or re.search(rb"(?:^|[^0-9.])0[0-9]", start) is None:
        return []
    head = _read_block(start, data, whole)
    return [n for n in whole if pc.any(pc.match_substring_regex(head[n], r"^\s*0\d")).as_py()]


def _stays_text(kind: pa.DataType) -> bool:
    with_offset = pa.types.is_timestamp(kind) and kind.tz is not None
    return bool(pa.types.is_time(kind) or with_offset)


def _read_block(
    block: bytes, data: DataConfig, types: Types, names: Sequence[str] | None = None
) -> pa.Table:
    """Parse bytes of a CSV file.

    types: of the columns whose type is not to be inferred; names: of all, where there is no header.
    """
    return pyarrow.csv.read_csv(
        io.BytesIO(block),
        read_options=pyarrow.csv.ReadOptions(encoding=data.encoding, column_names=names),
        parse_options=pyarrow.csv.ParseOptions(delimiter=FileFormat.of(data).sep),
        convert_options=pyarrow.csv.ConvertOptions(
            column_types=types,
            null_values=[*MISSING, *map(str, data.na_values)],
            strings_can_be_null=False,
            decimal_point=data.decimal,
            auto_dict_encode=True,
            auto_dict_max_cardinality=_MOST_DISTINCT,
        ),
    )
