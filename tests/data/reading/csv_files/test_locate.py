"""Lines of a CSV file as a spreadsheet counts its rows."""

from pathlib import Path

import pytest

from tsconv.data.reading.csv_files.locate import line_number
from tsconv.data.settings import FileFormat


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("h\na\nb\n", [2, 3]),
        ("h\n\n\na\n\nb\n", [4, 6]),
        ("\n\nh\na\nb\n", [4, 5]),
        ('h\n"a\n\na"\nb\n', [2, 3]),  # a line break in quotes is within one line
        ("h\r\na\r\n\r\nb\r\n", [2, 4]),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_lines_are_counted_as_a_spreadsheet_counts_rows(
    tmp_path: Path, text: str, lines: list[int], encoding: str
) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(text.encode(encoding))
    form = FileFormat(encoding=encoding)
    assert [line_number(path, form, record) for record in range(2)] == lines
    assert line_number(path, form, 10) == 12  # there is none: counted on
