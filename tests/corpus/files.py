"""What the bytes are: separators, encodings, archives, Parquet, spreadsheets."""

from __future__ import annotations

import gzip
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from tests.corpus.case import EITHER, REFUSES, Cases, Series
from tests.corpus.making import long_frame, members, save, save_lines, seasonal, span, texts

CASES = Cases()
Rng = np.random.Generator
Write = Callable[[pd.DataFrame, Path], object]


def _stored(
    write: Write, names: Sequence[str] = ("North", "South"), form: str | None = "%Y-%m-%d"
) -> Callable[[Path, Rng], list[Series]]:
    """Daily series of these names, written in some way; form None: times as they are."""

    def make(folder: Path, rng: Rng) -> list[Series]:
        truth = members(rng, names, span("2023-03-01", 160), "sold")
        write(long_frame(truth, ["region"], "date", form), folder)
        return truth

    return make


def _add(name: str, make: Callable[[Path, Rng], list[Series]], **options: object) -> None:
    make.__name__ = name
    CASES.add(**options)(make)


def _parquet(frame: pd.DataFrame, folder: Path, types: dict[str, pa.DataType]) -> None:
    table = pa.Table.from_pandas(frame, preserve_index=False)
    for name, kind in types.items():
        at = table.schema.get_field_index(name)
        column = table.column(name)
        column = column.dictionary_encode() if pa.types.is_dictionary(kind) else column.cast(kind)
        table = table.set_column(at, name, column)
    pq.write_table(table, folder / "data.parquet")


_ACCENTS = ("São Paulo", "Düsseldorf", "Córdoba")
_add("tabs", _stored(lambda f, d: save(f, d / "data.tsv", sep="\t")), path="data.tsv")
_add("tabs_in_a_text_file", _stored(lambda f, d: save(f, d / "data.txt", sep="\t")), path="data.txt")
_add("bars", _stored(lambda f, d: save(f, d / "data.csv", sep="|")))
_add("semicolons_and_points", _stored(lambda f, d: save(f, d / "data.csv", sep=";")))
_add("lines_of_windows", _stored(lambda f, d: save(f, d / "data.csv", lineterminator="\r\n")))
_add("latin_1", _stored(lambda f, d: save(f, d / "data.csv", encoding="latin-1"), _ACCENTS))
_add("cp1252_with_a_euro", _stored(lambda f, d: save(f, d / "data.csv", encoding="cp1252"), ("shop €", "shop “B”")))
_add("utf_8_with_a_mark", _stored(lambda f, d: save(f, d / "data.csv", encoding="utf-8-sig"), _ACCENTS))
_add("utf_16", _stored(lambda f, d: save(f, d / "data.csv", encoding="utf-16"), _ACCENTS))
_add("gzip", _stored(lambda f, d: (d / "data.csv.gz").write_bytes(gzip.compress(f.to_csv(index=False).encode()))), path="data.csv.gz")
_add("parquet_in_nanoseconds", _stored(lambda f, d: _parquet(f, d, {"date": pa.timestamp("ns")}), form=None), path="data.parquet")
_add("parquet_dates_and_dictionary_ids", _stored(lambda f, d: _parquet(f, d, {"date": pa.date32(), "region": pa.dictionary(pa.int32(), pa.string())}), form=None), path="data.parquet")
_add("parquet_times_as_text_and_whole_ids", _stored(lambda f, d: _parquet(f, d, {"region": pa.int64()}), ("3", "14")), path="data.parquet")
_add("spreadsheet", _stored(lambda f, d: f.to_excel(d / "data.xlsx", index=False), form=None), path="data.xlsx")


@CASES.add(path="data.xlsx", expect=EITHER, refusal="sheet")
def spreadsheet_with_notes_on_its_first_sheet(folder: Path, rng: Rng) -> list[Series]:
    truth = members(rng, ["a", "b"], span("2019-01-01", 60, "MS"), "sold", 12)
    with pd.ExcelWriter(folder / "data.xlsx") as book:
        pd.DataFrame({"Notes": ["Monthly sales", "Source: our tills"]}).to_excel(book, sheet_name="About", index=False)
        long_frame(truth, ["shop"], "month", None).to_excel(book, sheet_name="Data", index=False)
    return truth


@CASES.add(path="data.zip", expect=REFUSES, refusal="unpack|unzip|csv.gz")
def zip_archive(folder: Path, rng: Rng) -> list[Series]:
    truth = members(rng, ["a"], span("2023-01-01", 100), "y")
    with zipfile.ZipFile(folder / "data.zip", "w") as archive:
        archive.writestr("data.csv", long_frame(truth, ["id"], "ds").to_csv(index=False))
    return truth


@CASES.add()
def line_breaks_in_quoted_fields(folder: Path, rng: Rng) -> list[Series]:
    truth = members(rng, ["Bar,\nold town", 'The "Inn"'], span("2023-01-01", 160), "guests", digits=0)
    save(long_frame(truth, ["place"], "date"), folder / "data.csv")
    return truth


@CASES.add()
def separators_at_the_ends_of_lines(folder: Path, rng: Rng) -> list[Series]:
    """The header ends with one too, and so names a column without a name."""
    truth = members(rng, ["a", "b"], span("2023-01-01", 160), "sold")
    lines = long_frame(truth, ["shop"], "date").astype(str).to_numpy().tolist()
    save_lines(folder / "data.csv", [["date", "shop", "sold", ""], *([*x, ""] for x in lines)])
    return truth


@CASES.add()
def an_index_before_the_columns(folder: Path, rng: Rng) -> list[Series]:
    """As pandas writes it by default: a counter without a name."""
    truth = members(rng, ["a", "b"], span("2023-01-01", 160), "sold")
    long_frame(truth, ["shop"], "date").to_csv(folder / "data.csv")
    return truth


@CASES.add()
def names_with_spaces_brackets_and_signs(folder: Path, rng: Rng) -> list[Series]:
    truth = members(rng, ["a=1", "it's", "[x]"], span("2023-01-01", 160), "Sales (k€) = net, %")
    save(long_frame(truth, ['Shop "name"'], "Date [local]"), folder / "data.csv")
    return truth


@CASES.add()
def a_file_name_with_spaces(folder: Path, rng: Rng) -> list[Series]:
    truth = members(rng, ["a", "b"], span("2023-01-01", 160), "sold")
    save(long_frame(truth, ["shop"], "date"), folder / "data.csv")
    return truth


@CASES.add(expect=EITHER, refusal="header|line 1|first line")
def comments_before_the_header(folder: Path, rng: Rng) -> list[Series]:
    values = seasonal(rng, 160, level=12)
    days = span("2023-01-01", 160)
    lines = [[d, v] for d, v in zip(texts(days), values, strict=True)]
    comments = [["# Discharge of the river"], ["# Source: the water board, m3/s"], ["#"]]
    save_lines(folder / "data.csv", [*comments, ["date", "discharge"], *lines])
    return [Series((), "discharge", days, values)]


@CASES.add(expect=EITHER, refusal="line 2|unit")
def units_below_the_header(folder: Path, rng: Rng) -> list[Series]:
    values = seasonal(rng, 160, level=12)
    days = span("2023-01-01", 160)
    lines = [[d, v] for d, v in zip(texts(days), values, strict=True)]
    save_lines(folder / "data.csv", [["date", "temperature"], ["", "deg C"], *lines])
    return [Series((), "temperature", days, values)]


@CASES.add(expect=EITHER, refusal="line 162|Total")
def a_total_at_the_foot(folder: Path, rng: Rng) -> list[Series]:
    values = seasonal(rng, 160, level=300)
    days = span("2023-01-01", 160)
    lines = [[d, v] for d, v in zip(texts(days), values, strict=True)]
    save_lines(folder / "data.csv", [["date", "sold"], *lines, ["Total", round(values.sum(), 1)]])
    return [Series((), "sold", days, values)]


@CASES.add(expect=EITHER, refusal="header")
def no_header(folder: Path, rng: Rng) -> list[Series]:
    truth = members(rng, ["a", "b"], span("2023-01-01", 160), None)
    lines = [
        [s.names[0], d, v] for s in truth for d, v in zip(texts(s.times), s.values, strict=True)
    ]
    save_lines(folder / "data.csv", lines)
    return truth
