"""What the bytes are: separators, encodings, archives, Parquet, spreadsheets."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from tests.helpers.corpus.case import EITHER, REFUSES, Cases, Series
from tests.helpers.corpus.making import (
    long_frame,
    members,
    moments,
    save,
    save_lines,
    seasonal,
    span,
    texts,
)

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


def _parquet(types: dict[str, pa.DataType]) -> Write:
    """Write Parquet with these types of columns."""

    def write(frame: pd.DataFrame, folder: Path) -> None:
        table = pa.Table.from_pandas(frame, preserve_index=False)
        for name, kind in types.items():
            at, column = table.schema.get_field_index(name), table.column(name)
            coded = pa.types.is_dictionary(kind)
            column = column.dictionary_encode() if coded else column.cast(kind)
            table = table.set_column(at, name, column)
        pq.write_table(table, folder / "data.parquet")

    return write


def _csv(name: str = "data.csv", **options: object) -> Write:
    return lambda frame, folder: save(frame, folder / name, **options)


_ACCENTS = ("São Paulo", "Düsseldorf", "Córdoba")
_DICTIONARY = pa.dictionary(pa.int32(), pa.string())
_PLAIN = {
    "bars": _stored(_csv(sep="|")),
    "semicolons_and_points": _stored(_csv(sep=";")),
    "lines_of_windows": _stored(_csv(lineterminator="\r\n")),
    "latin_1": _stored(_csv(encoding="latin-1"), _ACCENTS),
    "utf_8_with_a_mark": _stored(_csv(encoding="utf-8-sig"), _ACCENTS),
}
for _name, _make in _PLAIN.items():
    CASES.define(_name, _make, plain=True)
CASES.define(
    "cp1252_with_a_euro", _stored(_csv(encoding="cp1252"), ("shop €", "shop “B”")), plain=True
)
CASES.define("utf_16", _stored(_csv(encoding="utf-16"), _ACCENTS))
CASES.define("tabs", _stored(_csv("data.tsv", sep="\t")), path="data.tsv")
CASES.define(
    "tabs_in_a_text_file", _stored(_csv("data.txt", sep="\t")), path="data.txt", plain=True
)
CASES.define("gzip", _stored(_csv("data.csv.gz")), path="data.csv.gz", plain=True)
_PARQUET = {
    "parquet_in_nanoseconds": _stored(_parquet({"date": pa.timestamp("ns")}), form=None),
    "parquet_dates_and_dictionary_ids": _stored(
        _parquet({"date": pa.date32(), "region": _DICTIONARY}), form=None
    ),
    "parquet_times_as_text_and_whole_ids": _stored(_parquet({"region": pa.int64()}), ("3", "14")),
}
for _name, _make in _PARQUET.items():
    CASES.define(_name, _make, path="data.parquet", plain="dates" not in _name)


@CASES.add(path="data.parquet")
def parquet_in_a_zone(folder: Path, rng: Rng) -> list[Series]:
    index = pd.date_range("2023-10-20", periods=600, freq="h", tz="Europe/Berlin", unit="ms")
    utc = moments(index.tz_convert("UTC"))
    truth = [Series((), "load", utc, seasonal(rng, 600, 24), (), utc)]
    pd.DataFrame({"begin": index, "load": truth[0].values}).to_parquet(folder / "data.parquet")
    return truth


def _spreadsheet(frame: pd.DataFrame, folder: Path) -> None:
    frame.to_excel(folder / "data.xlsx", index=False)


CASES.define("spreadsheet", _stored(_spreadsheet, form=None), path="data.xlsx")


@CASES.add(path="data.xlsx", expect=EITHER, refusal=r"data\.sheet|sheets")
def spreadsheet_with_notes_on_its_first_sheet(folder: Path, rng: Rng) -> list[Series]:
    truth = members(rng, ["a", "b"], span("2019-01-01", 60, "MS"), "sold", 12)
    with pd.ExcelWriter(folder / "data.xlsx") as book:
        pd.DataFrame({"Notes": ["Monthly sales", "Source: our tills"]}).to_excel(
            book, sheet_name="About", index=False
        )
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
    truth = members(
        rng, ["Bar,\nold town", 'The "Inn"'], span("2023-01-01", 160), "guests", digits=0
    )
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


@CASES.add(path="Sales data (1), a=b.csv")
def a_file_name_with_spaces_and_signs(folder: Path, rng: Rng) -> list[Series]:
    truth = members(rng, ["a", "b"], span("2023-01-01", 160), "sold")
    save(long_frame(truth, ["shop"], "date"), folder / "Sales data (1), a=b.csv")
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


@CASES.add()
def lines_by_time_with_series_in_turn(folder: Path, rng: Rng) -> list[Series]:
    truth = members(rng, ["B0041", "B0007", "B0113"], span("2023-01-01", 300, "h"), "load", 24)
    frame = long_frame(truth, ["bus"], "time", "%Y-%m-%d %H:%M")
    save(frame.sort_values("time", kind="stable"), folder / "data.csv")
    return truth


@CASES.add()
def lines_in_no_order(folder: Path, rng: Rng) -> list[Series]:
    truth = members(rng, ["n", "s"], span("2023-01-01", 240), "visits", digits=0)
    frame = long_frame(truth, ["gate"], "day")
    save(frame.iloc[rng.permutation(len(frame))], folder / "data.csv")
    return truth
