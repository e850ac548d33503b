"""Lines of a CSV file that are no part of its table: titles, units, footers; or no header."""

from __future__ import annotations

import itertools

from tsconv.check.layouts.records import Records, column_kinds, kind_of
from tsconv.text import plural

_FIRST = 40  # records from which the kinds of columns are taken
_MOST_BEFORE = 60  # lines above a header


def describe_lines_around(records: Records) -> str | None:
    """What stands around the table, and what to change; None where nothing does."""
    for describe in (_above_header, _units, _footer):
        text = describe(records)
        if text is not None:
            return text
    return None


def _quote(record: list[str]) -> str:
    text = ", ".join(cell for cell in record if cell)
    return f"`{text[:60]}{'...' if len(text) > 60 else ''}`"


def _above_header(records: Records) -> str | None:
    """Lines before the header: shorter records, comments, or a title."""
    head, width = records.head, records.width
    if width < 2:
        return None
    at = 0
    while at < min(len(head), _MOST_BEFORE) and (len(head[at]) != width or _is_note(head[at])):
        at += 1
    if at == 0 or at >= min(len(head), _MOST_BEFORE) - 1:
        return None
    if at == 1 and abs(len(head[0]) - width) == 1 and _is_plain(head[0]):
        return None  # a header with a field too few or too many
    if kind_of(head[at][0]) in ("number", "time") and all(
        kind_of(cell) != "text" for cell in head[at]
    ):
        return None  # no header below either
    above = "line 1 is" if records.lines[at] == 2 else f"lines 1 to {records.lines[at] - 1} are"
    return (
        f"the header is on line {records.lines[at]}: {above} not part of the table "
        f"({_quote(head[0])}); delete {'it' if records.lines[at] == 2 else 'them'}"
    )


def _is_note(record: list[str]) -> bool:
    """Whether a record is a comment, or a title beside empty cells."""
    filled = [cell for cell in record if cell]
    return not filled or record[0].startswith(("#", "%", "//")) or (len(filled) == 1 < len(record))


def _is_plain(record: list[str]) -> bool:
    return all(cell and not cell.startswith(("#", "%")) for cell in record) and len(record) > 1


def _units(records: Records) -> str | None:
    """A line of units or further names below the header."""
    head, width = records.head, records.width
    body = [record for record in head[2:_FIRST] if len(record) == width]
    if len(body) < 3 or len(head[1]) != width:
        return None
    kinds = column_kinds(body, width)
    values = [c for c, kind in enumerate(kinds) if kind in ("number", "time")]
    cells = [head[1][c] for c in values]
    words = [cell for cell in cells if kind_of(cell) == "text"]
    if not words or any(kind_of(cell) in ("number", "time") for cell in cells):
        return None
    if any(kind_of(cell) in ("number", "time") for cell in head[0]):
        return None
    if len(values) == 1 and len(words) == 1 and len(kinds) > 1:
        return None  # a single odd cell is a bad value
    return (
        f"line {records.lines[1]} holds {_quote(words)} where the lines below hold values: units, "
        f"or a second header; delete it"
    )


def describe_no_header(records: Records) -> str | None:
    """Say that the first line is data like all others; None where it is a header."""
    head, width = records.head, records.width
    body = [record for record in head[1:_FIRST] if len(record) == width]
    if len(body) < 2 or len(head[0]) != width:
        return None
    kinds = column_kinds(body, width)
    values = [c for c, kind in enumerate(kinds) if kind in ("number", "time")]
    if not values or any(kind_of(head[0][c]) != kinds[c] for c in values):
        return None
    numbers = [head[0][c] for c in values if kinds[c] == "number"]
    if len(numbers) == len(values) and _counts_up(numbers):
        return None  # steps or years as names of columns
    names = ",".join(
        "time" if c == values[0] else "value" if c == values[-1] else f"name{c}"
        for c in range(width)
    )
    return (
        f"the file has no header: line {records.lines[0]} ({_quote(head[0])}) holds values like "
        f"the others; write a line of column names above it, such as `{names[:60]}`"
    )


def _counts_up(cells: list[str]) -> bool:
    try:
        numbers = [float(cell) for cell in cells]
    except ValueError:
        return False
    steps = {b - a for a, b in itertools.pairwise(numbers)}
    return len(numbers) > 1 and len(steps) == 1 and 0 not in steps


def _footer(records: Records) -> str | None:
    """Lines below the table: totals, sources, notes."""
    head, width, tail = records.head, records.width, records.tail
    body = [record for record in head[1:_FIRST] if len(record) == width][: -len(tail) or None]
    if len(body) < 3 or width < 2:
        return None
    kinds = column_kinds(body, width)
    key = next((c for c, kind in enumerate(kinds) if kind == "time"), None)
    number = 0
    for record in reversed(tail):
        short = len(record) != width
        odd = key is not None and key < len(record) and kind_of(record[key]) != "time"
        if not (short or odd):
            break
        number += 1
    if number == 0 or number == len(tail):
        return None
    first = tail[-number]
    last = "line is" if number == 1 else f"{plural(number, 'line')} are"
    return (
        f"the last {last} not part of the table ({_quote(first)}): totals or notes; delete "
        f"{'it' if number == 1 else 'them'}"
    )
