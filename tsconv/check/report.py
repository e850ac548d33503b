"""What a check found, as text for people and as JSON for programs."""

from __future__ import annotations

import dataclasses
import math
import textwrap
from typing import Any

LEVELS = ("error", "warning", "note")  # most important first
_MARKS = {"error": "x", "warning": "!", "note": "-"}
_WIDTH = 108


@dataclasses.dataclass(frozen=True)
class Finding:
    """One thing about the file that a user should know.

    level: error (training refuses the file), warning (it trains, but the data may be wrong) or
    note. `keys` are config keys that would fix it. `names` are the columns or series that the
    finding names; None where it counts everything of its kind.

    >>> Finding("zeros", "note", "40% of `sold` are zeros", count=48).level
    'note'
    """

    kind: str  # such as "duplicates": by which programs distinguish findings
    level: str
    text: str
    count: int = 1
    first: str | None = None  # where it occurs first
    advice: str | None = None
    keys: dict[str, Any] = dataclasses.field(default_factory=dict)
    names: tuple[str, ...] | None = None

    def to_dict(self) -> dict[str, Any]:
        """The fields that a JSON report holds; `names` are in the text already."""
        fields = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        del fields["names"]
        return fields


@dataclasses.dataclass(frozen=True)
class Section:
    """A part of the report: a heading with pairs of a label and a text, and the same as data.

    The text of a section without lines is left out.
    """

    title: str
    lines: list[tuple[str, str]]
    data: dict[str, Any] = dataclasses.field(default_factory=dict)  # keys of the JSON report


@dataclasses.dataclass(frozen=True)
class Report:
    """Everything that a check found out.

    >>> finding = Finding("zeros", "note", "40% of `sold` are zeros")
    >>> print(Report([], [finding], train="tsconv train data.path=sales.csv").text())
    findings
      - 40% of `sold` are zeros
    <BLANKLINE>
    to train on this file:
    tsconv train data.path=sales.csv
    """

    sections: list[Section] = dataclasses.field(default_factory=list)
    findings: list[Finding] = dataclasses.field(default_factory=list)
    lines_read: bool = True  # whether the lines could be read
    suggested: bool = False  # whether the file was read under keys that were not given
    keys_given: bool = False  # whether the user said how the file is to be read
    refused: str | None = None  # why training would refuse the file as configured
    obstacle: str | None = None  # what stands in the way of training, and what to do
    train: str | None = None  # the command to paste, which was tried; None where there is none

    def text(self) -> str:
        """The report for people.

        Its last line is the `tsconv train` command or, where none trains, what stands in the way.
        """
        out: list[str] = []
        for section in self.sections:
            out += _section_lines(section)
        out += ["", "findings"]
        for finding in self.ordered():
            out += _finding_lines(finding)
        if not self.findings:
            out.append(f"  {self._without_findings()}")
        if self.train is None:
            out += ["", "no command trains on this file yet:"]
            return "\n".join([*out[1:], self.obstacle or self.refused or "it was not read"])
        if self.refused is not None and self.keys_given:
            reason = f"training would refuse this file as configured: {self.refused}"
            out += ["", *_wrap(reason, "", "  "), "this command fits it:"]
        else:
            out += ["", "to train on this file:"]
        return "\n".join([*out[1:], self.train])

    def _without_findings(self) -> str:
        if not self.lines_read:
            return "the lines could not be read"
        return "none besides the keys suggested above" if self.suggested else "none"

    def ordered(self) -> list[Finding]:
        """The findings, most important first."""
        return sorted(self.findings, key=lambda f: LEVELS.index(f.level))

    def to_dict(self) -> dict[str, Any]:
        """The report for programs: values that strict JSON takes, without NaN and NumPy types."""
        report: dict[str, Any] = {}
        for section in self.sections:
            report |= section.data
        report["findings"] = [finding.to_dict() for finding in self.ordered()]
        report["refused"] = self.refused
        report["obstacle"] = self.obstacle
        report["train"] = self.train
        return {key: _to_plain(value) for key, value in report.items()}


def _section_lines(section: Section) -> list[str]:
    if not section.lines:
        return []
    out = ["", section.title]
    width = max(len(label) for label, _ in section.lines)
    for label, text in section.lines:
        out += _wrap(text, f"  {label:<{width}}  ", " " * (width + 4))
    return out


def _finding_lines(finding: Finding) -> list[str]:
    """The text, then first place and advice on the same line where they fit."""
    lines = _wrap(finding.text, f"  {_MARKS[finding.level]} ", "    ")
    parts = (f"first: {finding.first}" if finding.first else "", finding.advice or "")
    tail = "; ".join(part for part in parts if part)
    if not tail:
        return lines
    if len(lines) == 1 and len(lines[0]) + len(tail) + 2 <= _WIDTH:
        return [f"{lines[0]}; {tail}"]
    return [*lines, *_wrap(tail, "    ", "    ")]


def _wrap(text: str, first_indent: str, later_indent: str) -> list[str]:
    return textwrap.wrap(
        text,
        _WIDTH,
        initial_indent=first_indent,
        subsequent_indent=later_indent,
        break_long_words=False,
        break_on_hyphens=False,
    ) or [first_indent.rstrip()]


def _to_plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(k): _to_plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_to_plain(v) for v in value]
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if isinstance(value, (bool, int, float, str, type(None))) else str(value)
