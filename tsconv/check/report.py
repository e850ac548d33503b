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
    """One thing that a person would want to know of the file.

    level: error (training refuses the file), warning (it trains, on what may be wrong) or note.
    """

    kind: str  # such as "duplicates": what programs tell findings apart by
    level: str
    text: str
    count: int = 1
    first: str | None = None  # where it is found first
    advice: str | None = None
    keys: dict[str, Any] = dataclasses.field(default_factory=dict)  # config that would mend it


@dataclasses.dataclass(frozen=True)
class Section:
    """A group of lines under a heading: pairs of a short label and a text."""

    title: str
    lines: list[tuple[str, str]]


@dataclasses.dataclass
class Report:
    """Everything that a check has to say, filled in as far as the file can be read."""

    sections: list[Section] = dataclasses.field(default_factory=list)
    findings: list[Finding] = dataclasses.field(default_factory=list)
    data: dict[str, Any] = dataclasses.field(default_factory=dict)  # the same as `sections`, typed
    mend: bool = False  # whether the file itself must change first
    looked: bool = True  # whether the lines could be read
    refused: str | None = None  # why training would refuse the file
    train: str = ""  # the line to paste

    def add(self, title: str, lines: list[tuple[str, str]]) -> None:
        """Append a section, unless it is empty."""
        if lines:
            self.sections.append(Section(title, lines))

    def find(self, *findings: Finding | None) -> None:
        """Keep those that are there."""
        self.findings += [f for f in findings if f is not None]

    def text(self) -> str:
        """The report as people read it; its last line is the train line."""
        out: list[str] = []
        for section in self.sections:
            out += ["", section.title]
            width = max((len(label) for label, _ in section.lines), default=0)
            for label, text in section.lines:
                out += _wrapped(text, f"  {label:<{width}}  ", " " * (width + 4))
        out += ["", "findings"]
        for finding in self.ordered():
            out += _finding(finding)
        if not self.findings:
            out.append(f"  {'nothing amiss' if self.looked else 'the lines could not be read'}")
        if self.refused is not None and (self.mend or not self.looked):
            out += ["", "training would refuse this; once that is mended:"]
        elif self.refused is not None:
            out += ["", "training as it was asked for would refuse this file; this line fits it:"]
        else:
            out += ["", "to train on it:"]
        return "\n".join([*out[1:], self.train])

    def ordered(self) -> list[Finding]:
        """The findings, most important first."""
        return sorted(self.findings, key=lambda f: LEVELS.index(f.level))

    def to_dict(self) -> dict[str, Any]:
        """Plain values that strict JSON takes: no NaN, no NumPy."""
        report = {
            **self.data,
            "findings": [dataclasses.asdict(f) for f in self.ordered()],
            "refused": self.refused,
            "train": self.train,
        }
        return _plain(report)


def _finding(finding: Finding) -> list[str]:
    lines = _wrapped(finding.text, f"  {_MARKS[finding.level]} ", "    ")
    tail = "; ".join(
        part
        for part in (f"first: {finding.first}" if finding.first else "", finding.advice or "")
        if part
    )
    if not tail:
        return lines
    if len(lines) == 1 and len(lines[0]) + len(tail) + 2 <= _WIDTH:
        return [f"{lines[0]}; {tail}"]
    return [*lines, *_wrapped(tail, "    ", "    ")]


def _wrapped(text: str, first: str, later: str) -> list[str]:
    return textwrap.wrap(
        text,
        _WIDTH,
        initial_indent=first,
        subsequent_indent=later,
        break_long_words=False,
        break_on_hyphens=False,
    ) or [first.rstrip()]


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if isinstance(value, (bool, int, float, str, type(None))) else str(value)
