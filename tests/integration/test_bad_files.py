# ruff: noqa: E501
"""Bad files and the real command: exit code 1, one line that names the place, nothing written."""

import gzip
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from tests.helpers.files import GOOD, HEAD, QUICK, epoch, lines, put, wall
from tsconv.cli import main

Run = Callable[..., "CompletedProcess[str]"]


def cell(text: str) -> str:
    """The good file with another value in line 6."""
    return GOOD.replace("2024-01-05,2\n", f"2024-01-05,{text}\n")


REFUSED = {
    "an extra field in every row": (GOOD.replace("\n", ",\n").replace("y,", "y", 1), [], "line 2: 4 fields where the header has 3: 'a,2024-01-01,0,'"),
    "duplicate header": (GOOD.replace("ds", "y", 1), [], "two columns are called `y`"),
    "short row": (GOOD.replace("2024-01-05,2", "2024-01-05"), [], "line 6: 2 fields where the header has 3: 'a,2024-01-05'"),
    "short row below blank ones": (HEAD + "\n\n" + lines(n=3) + "a,2024-01-04\n", [], "line 7: 2 fields where the header has 3"),
    "a row below a line break in quotes": (HEAD + '"a\nb",2024-01-01,1\n"a\nb",2024-01-02,x\n', [], "line 3, column `y`: 'x' is not a number"),
    "a row below blank ones": (HEAD + "\n\na,2024-01-01,1\n\na,2024-01-02,x\n", [], "line 6, column `y`: 'x' is not a number"),
    "utf-16": (GOOD.encode("utf-16"), [], "begins like a utf-16 file, not utf-8: set `data.encoding=utf-16`"),
    "utf-16 without a mark": (GOOD.encode("utf-16-le"), [], "set `data.encoding=utf-16-le`"),
    "latin-1 header": (GOOD.replace("y", "größe", 1).encode("latin-1"), [], "line 1: the byte 0xf6 is not utf-8: set `data.encoding=`, such as `data.encoding=latin-1`"),
    "latin-1 id": ((GOOD + lines("é")).encode("latin-1"), [], "line 42: the byte 0xe9 is not utf-8"),
    "windows quotes": ((GOOD + lines("“")).encode("cp1252"), [], "data.encoding=cp1252"),
    "an encoding that is none": (GOOD, ["data.encoding=utf-9"], "`data.encoding` (=utf-9) is not a known encoding"),
    "semicolons": (GOOD.replace(",", ";"), [], "line 1: everything is in one column, `unique_id;ds;y`: set `data.sep=';'`"),
    "semicolons and commas": (GOOD.replace(",", ";").replace("0\n", "0,5\n"), [], "set `data.sep=';'` and `data.decimal=','`"),
    "decimal comma": (GOOD.replace(",", ";").replace("0\n", "0,5\n"), ["data.sep=;"], "line 2, column `y`: '0,5' is not a number (7 such cells); if that is a decimal comma, set `data.decimal=','`"),
    "tabs": (GOOD.replace(",", "\t"), [], "set `data.sep=tab`"),
    "1_000": (cell("1_000"), [], "line 6, column `y`: '1_000' is not a number"),
    "1,000.5": (cell('"1,000.5"'), [], "line 6, column `y`: '1,000.5' is not a number"),
    "$5": (cell("$5"), [], "line 6, column `y`: '$5' is not a number"),
    "0x10": (cell("0x10"), [], "line 6, column `y`: '0x10' is not a number"),
    "inf": (cell("inf"), [], "line 6, column `y`: inf is not finite"),
    "1e400": (cell("1e400"), [], "line 6, column `y`: inf is not finite"),
    "empty file": ("", [], "the file is empty"),
    "header only": (HEAD, [], "there are no lines below the header"),
    "no id": (GOOD.replace("a,2024-01-05", ",2024-01-05"), [], "line 6, column `unique_id`: the id is empty: fill it in, or remove this line"),
    "day or month": (HEAD + "a,01/02/2024,1\na,02/02/2024,1\n", [], "line 2, column `ds`: '01/02/2024' may begin with the day or the month: set `data.time_format='%d/%m/%Y'` or '%m/%d/%Y'"),
    "mixed offsets": (wall("Europe/Berlin", "2024-10-27", 9, offset=True), [], "line 2, column `ds`: '2024-10-27 02:00:00+02:00' has an offset from UTC, data.csv: line 3: '2024-10-27 02:00:00+01:00' has another; set `data.timezone=UTC`"),
    "naive and aware": (HEAD + "a,2024-01-01 00:00,1\na,2024-01-01 01:00+00:00,1\n", [], "line 3, column `ds`: '2024-01-01 01:00+00:00' has an offset from UTC, data.csv: line 2: '2024-01-01 00:00' has none; set `data.timezone=UTC`"),
    "epoch seconds": (epoch(1), [], "line 2, column `ds`: 1704067200 looks like a count of s since 1970 (2024-01-01 00:00:00): set `data.time_unit=s`, or `data.time_unit=step`"),
    "epoch milliseconds": (epoch(1000), [], "set `data.time_unit=ms`"),
    "epoch nanoseconds": (epoch(10**9), [], "set `data.time_unit=ns`"),
    "the wrong unit": (epoch(1), ["data.time_unit=D"], "line 2, column `ds`: 1704067200 is not a valid time if it counts D since 1970"),
    "compact dates": (GOOD.replace("-", ""), [], "line 2, column `ds`: 20240101 looks like a date: set `data.time_format='%Y%m%d'`"),
    "24:00": (HEAD + "a,2024-01-01 23:00,1\na,2024-01-01 24:00,1\n", [], "line 3, column `ds`: '2024-01-01 24:00' is not a date and time that exist"),
    "30 February": (HEAD + "a,2024-02-29,1\na,2024-02-30,1\n", [], "line 3, column `ds`: '2024-02-30' is not a date and time that exist"),
    "year 0": (HEAD + "a,2024-02-29,1\na,0000-02-28,1\n", [], "line 3, column `ds`: 0000-02-28T00:00:00 is outside the years 1000 to 8999"),
    "no time": (HEAD + "a,2024-02-29,1\na,now,1\n", [], "line 3, column `ds`: 'now' is not a time as ISO 8601 writes it"),
    "another spelling": (HEAD + "a,30.12.2024 01:00,1\na,31.12.2024 02:00,1\n", [], "line 2, column `ds`: '30.12.2024 01:00' is not a time as ISO 8601 writes it (2024-01-31); set `data.time_format=`, such as '%d.%m.%Y %H:%M'"),
    "another spelling of day or month": (HEAD + "a,01/02/2024 01:00,1\na,01/03/2024 02:00,1\n", [], "such as '%d/%m/%Y %H:%M' or '%m/%d/%Y %H:%M'"),
    "missing time": (HEAD + "a,2024-02-29,1\na,,1\n", [], "line 3, column `ds`: the time is missing"),
    "duplicates": (GOOD + "a,2024-01-05,9\na,2024-01-07,9\n", [], "lines 6 and 42 are both series `a` at 2024-01-05 (2 repeated lines); if another column tells them apart, add it to `data.id`; else keep one line for each (id, time), or set `data.duplicates=` to mean"),
    "clock change": (wall("Europe/Berlin", "2024-10-26", 60), [], "lines 26 and 27 are both series `a` at 2024-10-27 02:00:00 (1 repeated line); all lie in an hour in which clocks go back: set `data.timezone=`"),
    "an hour that a clock change takes": (HEAD + "a,2024-03-31 01:30,1\na,2024-03-31 02:30,1\n", ["data.timezone=Europe/Berlin"], "line 3, column `ds`: 2024-03-31 02:30:00 does not exist in Europe/Berlin"),
    "no such zone": (GOOD, ["data.timezone=Europe/Berln"], "(did you mean `Europe/Berlin`?)"),
    "gaps where they are an error": (GOOD.replace("a,2024-01-05,2\n", ""), ["data.gaps=error"], "1 of 40 steps of D (2.5%) are not in the file, first series `a` at 2024-01-05"),
    "daily and weekly": (GOOD + lines("b", 10, "7D"), [], "series `b` comes every 7 steps of D, series `a` every step: give series one frequency (a file each), or set `data.freq=D`"),
    "weekly and daily": (HEAD + lines(n=9) + lines("b", 40, "7D"), [], "series `a` comes in steps of D, series `b` in steps of W"),
    "daily and monthly": (GOOD + lines("b", 20, "MS"), [], "series `b` comes in steps of MS, series `a` in steps of D"),
    "two rows": (HEAD + lines(n=2), [], "series `a` has only two times, 2024-01-01 and 2024-01-02, and no other series has two: too few to infer a frequency from; set `data.freq=`"),
    "off the grid": (GOOD + "a,2024-02-10 07:00,1\n", [], "line 42, series `a`: 2024-02-10 07:00:00 is not a whole number of steps of D"),
    "another weekday": (HEAD + lines(freq="7D"), ["data.freq=W-SUN"], "line 2, series `a`: 2024-01-01 is a Monday in January, but `data.freq=W-SUN`"),
    "no frequency": (GOOD, ["data.freq=hh"], "`data.freq` (=hh) is not a frequency (did you mean `h`?)"),
    "no text": (b"PK\3\4" + bytes(100), [], "holds zero bytes"),
}  # fmt: skip


def refused(folder: Path, stderr: str, code: int) -> str:
    """Check that a command refused in one line and wrote nothing; returns the line."""
    assert code == 1, stderr
    assert stderr.startswith("tsconv: ")
    assert len(stderr.strip().splitlines()) == 1, stderr
    names = [p.name for p in folder.iterdir()]
    assert len(names) <= 1, f"something was written: {names}"
    return stderr


@pytest.mark.parametrize("name", REFUSED)
def test_refused_in_one_line(
    name: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    content, arguments, message = REFUSED[name]
    monkeypatch.chdir(tmp_path)
    put(tmp_path, content)
    code = main(["train", "data.path=data.csv", *QUICK, *arguments])
    line = refused(tmp_path, capsys.readouterr().err, code)
    assert message in line
    assert "data.csv: " in line or "`data." in line


@pytest.mark.parametrize("name", ["short row", "utf-16", "30 February", "duplicates"])
def test_refused_in_a_process_of_its_own(name: str, tmp_path: Path, tsconv: Run) -> None:
    content, arguments, message = REFUSED[name]
    put(tmp_path, content)
    done = tsconv("train", "data.path=data.csv", *QUICK, *arguments)
    assert message in refused(tmp_path, done.stderr, done.returncode)


PACKED = gzip.compress(GOOD.encode(), mtime=0)


@pytest.mark.parametrize(
    ("path", "content", "arguments", "message"),
    [
        ("http://example.com/a.csv", None, [], "is an address: only local files are read"),
        ("s3://bucket/a.csv", None, [], "is an address"),
        ("missing.csv", None, [], "does not exist (local files only)"),
        ("a.csv.gz", PACKED[:-20], [], "a.csv.gz: the archive is damaged or cut short"),
        ("a.csv.gz", PACKED[:60] + b"xxxx" + PACKED[64:], [], "is damaged or cut short"),
        ("a.csv.gz", GOOD.encode(), [], "the archive is damaged or cut short"),
        ("a.csv.gz", PACKED, ["data.max_bytes=500"], "expands from 181 to more than 500 bytes: if that is right, set `data.max_bytes=`"),
        ("a.csv.gz", gzip.compress(GOOD.encode() + b"a,2030-01-01,1\n" * 8_000_000, 1, mtime=0), [], "to more than 100,000,000 bytes"),
        ("a.zip", b"PK", [], ".zip files are not read: unpack it, or use .csv.gz"),
        ("a.xlsx", b"PK", [], "not an Excel file that can be read (is it encrypted"),
        ("a.parquet", GOOD.encode(), [], "not a Parquet file"),
    ],
)  # fmt: skip
def test_files_that_cannot_be_opened(
    path: str,
    content: bytes | None,
    arguments: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    if content is not None:
        Path(path).write_bytes(content)
    code = main(["train", f"data.path={path}", *QUICK, *arguments])
    line = refused(tmp_path, capsys.readouterr().err, code)
    assert message in line.replace(str(len(PACKED)), "181")
