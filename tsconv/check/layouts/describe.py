"""What a file is that cannot be read as a table of times and values, and the way out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from tsconv.check.layouts.lines_around import describe_lines_around, describe_no_header
from tsconv.check.layouts.records import read_records
from tsconv.check.layouts.tables import (
    describe_coded_times,
    describe_midnight_as_24,
    describe_part_of_day,
    describe_quarter_beside_year,
    describe_repeated_header,
    describe_year_table,
)
from tsconv.check.tables.raw_table import RawTable
from tsconv.config.schema import DataConfig
from tsconv.data.reading.files import is_parquet
from tsconv.data.reading.roles import as_list
from tsconv.text import shorten


def describe_no_table(files: Sequence[Path], data: DataConfig, raw_table: RawTable) -> str | None:
    """Say what a file is that could be read as a table, but would be misread.

    data: with the encoding and the separator that were found. Returns None where nothing is wrong.
    """
    text = None
    if not _has_own_format(files[0]):
        records = read_records(files[0], data)
        text = None if records is None else describe_no_header(records)
    text = text or describe_year_table(raw_table) or describe_repeated_header(raw_table)
    times = [name for name in as_list(data.time, "data.time") if name in raw_table]
    if text is None and not times:
        text = describe_quarter_beside_year(raw_table)
    return None if text is None else f"{files[0]}: {text}"


def describe_layout(
    files: Sequence[Path], data: DataConfig, raw_table: RawTable | None
) -> str | None:
    """Say by name what stands in the way of reading a file that was refused, and what to change.

    data: with the encoding and the separator that were found. Returns None where nothing is known.
    """
    path = files[0]
    records = None if _has_own_format(path) else read_records(path, data)
    text = None if records is None else describe_lines_around(records)
    if text is None and raw_table is not None:
        text = describe_midnight_as_24(raw_table) or describe_coded_times(raw_table)
        text = text or describe_part_of_day(raw_table)
    if (
        text is None
        and records is not None
        and records.width == 1
        and _split_by_spaces(records.head)
    ):
        text = (
            "the fields are separated by runs of spaces: write it with one separator, such as a "
            "comma"
        )
    return None if text is None else f"{path}: {text}"


def _has_own_format(path: Path) -> bool:
    return is_parquet(path) or path.suffix.lower() in (".xlsx", ".xls", ".ods")


def _split_by_spaces(records: list[list[str]]) -> bool:
    widths = {len(re.split(r"\s{2,}|\t", record[0])) for record in records[:40]}
    return len(widths) == 1 and widths.pop() > 1


def describe_no_time(files: Sequence[Path], raw_table: RawTable) -> str:
    """Say that no column holds times, and what to do."""
    names = shorten([f"`{name}`" for name in raw_table.names], 8)
    return (
        f"{files[0]}: no column holds times in a format that check knows (columns {names}): name "
        f"the column by data.time= and its format by data.time_format=; where the lines are only "
        f"in order, add a column that numbers them"
    )
