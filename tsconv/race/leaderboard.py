"""The leaderboard of a race, as a file and as a table."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tsconv.atomic_write import replace_text
from tsconv.output.tables import Column, format_table

if TYPE_CHECKING:
    from tsconv.race.candidate import Candidate

_NAME = "leaderboard.csv"
_HEADS = ("val_loss", "steps", "seconds")


def leaderboard(ranked: Sequence[Candidate], members: Sequence[Candidate]) -> list[dict[str, Any]]:
    """A line for each candidate, in their order; members: those whose networks are kept."""
    return [
        {
            "candidate": c.name,
            "val_loss": c.loss,
            "steps": c.steps,
            "seconds": round(c.seconds, 2),
            "in_bundle": any(c is m for m in members),
        }
        for c in ranked
    ]


def write_leaderboard(board: Sequence[Mapping[str, Any]], run_dir: Path) -> None:
    """Write `leaderboard.csv` into a run folder: a line for each candidate."""
    text = io.StringIO()
    out = csv.DictWriter(text, list(board[0]), lineterminator="\n")
    out.writeheader()
    out.writerows(board)
    replace_text(run_dir / _NAME, text.getvalue())


def read_leaderboard(run_dir: Path) -> list[dict[str, str]]:
    """Read what `write_leaderboard` wrote."""
    with (run_dir / _NAME).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def leaderboard_text(board: Sequence[Mapping[str, Any]], most: int = 10) -> str:
    """The best candidates of a race as a table; a star marks those in the bundle.

    >>> entry = {"candidate": "context 14, shared", "val_loss": 0.25, "steps": 40, "seconds": 1.5}
    >>> print(leaderboard_text([{**entry, "in_bundle": True}]))
    candidate              val_loss   steps   seconds
    * context 14, shared       0.25      40       1.5
    * in the bundle
    """
    shown = board[:most]
    names = [f"{'*' if str(c['in_bundle']) == 'True' else ' '} {c['candidate']}" for c in shown]
    columns = [
        Column(max(map(len, ["candidate", *names])), "<"),
        *(Column(len(head) + 3) for head in _HEADS),
    ]
    lines = [["candidate", *_HEADS]]
    for name, one in zip(names, shown, strict=True):
        loss, seconds = float(one["val_loss"]), float(one["seconds"])
        lines.append([name, f"{loss:.4g}", str(one["steps"]), f"{seconds:.1f}"])
    left = len(board) - len(shown)
    more = f"; {left} more in {_NAME}" if left > 0 else ""
    return f"{format_table(columns, lines)}\n* in the bundle{more}"
