"""The lines of a part from first to last, so many at a time, with few of them in memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from tsconv.data.reading.parquet_files.parquet_file import parquet_batches
from tsconv.data.write import CsvStyle, spell_times
from tsconv.errors import DataError, one_line
from tsconv.forecasting.shards.parts import Manifest

_BLOCK = 1 << 15  # bytes of a .csv
_LONGEST_BLOCK = 1 << 24  # where an id is as long as a block
_BATCH = 1 << 14  # lines of a .parquet


class PartReader:
    """Reads one part in order."""

    def __init__(self, path: Path, manifest: Manifest, style: CsvStyle) -> None:
        """style: that of all parts together, in which times are spelt."""
        self._path, self._manifest, self._style = path, manifest, style
        self._open: list[pyarrow.csv.CSVStreamingReader | pyarrow.parquet.ParquetFile] = []
        self._batches: Iterator[pa.Table] | None = None
        self._left: list[pa.Table] = []

    def __enter__(self) -> PartReader:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for file in self._open:
            file.close()

    def take(self, count: int) -> pa.Table:
        """The next lines of the part; raises DataError where it has fewer."""
        if self._batches is None:
            self._batches = self._read()
        have = sum(table.num_rows for table in self._left)
        while have < count:
            try:
                table = next(self._batches, None)
            except (pa.ArrowException, OSError) as error:
                raise DataError(f"{self._path} cannot be read: {one_line(error)}") from error
            if table is None:
                raise DataError(f"{self._path} has fewer lines than its manifest says")
            self._left.append(table)
            have += table.num_rows
        whole = pa.concat_tables(self._left)
        self._left = [whole.slice(count)]
        return whole.slice(0, count)

    def _read(self) -> Iterator[pa.Table]:
        schema = self._manifest.schema
        assert schema is not None  # a part with lines has columns
        if self._path.suffix == ".csv":
            for batch in self._open_csv(schema):
                table = pa.Table.from_batches([batch])
                yield spell_times(table, self._manifest.style, self._style)
            return
        file = pyarrow.parquet.ParquetFile(self._path)
        self._open.append(file)
        for batch in parquet_batches(file, _BATCH):
            yield pa.Table.from_batches([batch])

    def _open_csv(self, schema: pa.Schema) -> pyarrow.csv.CSVStreamingReader:
        convert = pyarrow.csv.ConvertOptions(
            column_types={field.name: field.type for field in schema},
            strings_can_be_null=False,
            null_values=[""],
        )
        parse = pyarrow.csv.ParseOptions(newlines_in_values=self._manifest.style.quoted)
        block = _BLOCK
        while True:
            options = pyarrow.csv.ReadOptions(block_size=block, use_threads=False)
            try:
                reader = pyarrow.csv.open_csv(self._path, options, parse, convert)
            except pa.ArrowInvalid as error:
                if "block" not in str(error) or block >= _LONGEST_BLOCK:
                    raise
                block *= 8
                continue
            self._open.append(reader)
            return reader
