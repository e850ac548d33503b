"""Names that climb out of folders or steer a terminal: written and shown as they are, harmless."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pandas as pd
import pytest

from tests.helpers.faults.poison import Command
from tests.helpers.files import QUICK

pytestmark = pytest.mark.usefixtures("cage")


NAMES = (
    "../../canary", "/etc/passwd", "\x1b[31mred\x1b[0m\x1b]0;title\x07", "\u202egpj.exe",
    "<script>alert(1)</script>", "$\\frac{", "two\nnote: forged", "CON", "n" * 3000, "a\x9b2J",
)  # fmt: skip


def unseen(text: str) -> set[str]:
    """The characters that steer a terminal, or the order in which a line is shown."""
    return {c for c in text if unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp")} - {"\n", "\t"}


def test_names_that_climb_or_steer_a_terminal(
    tsconv_here: Command, tmp_path: Path, recwarn: pytest.WarningsRecorder
) -> None:
    """As ids and as the name of a column, in all that is printed, written and drawn."""
    series = (pd.read_csv("data.csv").assign(unique_id=name) for name in NAMES)
    table = pd.concat(series).rename(columns={"y": "y\x1b[2J"})
    place = tmp_path / "a" / "b" / "c"
    place.mkdir(parents=True)
    table.to_csv(place / "data.csv", index=False)
    keys = [k for k in QUICK if k != "plots=false"]
    commands: list[tuple[str, ...]] = [
        ("check", "data.path=data.csv"),
        (
            "train",
            *(*keys, "data.path=data.csv", "data.target='y\x1b[2J'", "refit=false"),
            *("run_dir=run", "report=r.html"),
        ),
        ("forecast", "bundle=run", "data.path=data.csv", "output=f.csv", "plot=f.png"),
        ("forecast", "bundle=run", "data.path=data.csv", "output=g.csv", "shards=2"),
        ("forecast", "bundle=run", "data.path=data.csv", "output=h.csv", "series=[a\x1b]"),
        ("runs", "dir=."),
        ("bundle", "inspect", "run"),
    ]
    for command in commands:
        done = tsconv_here(*command, cwd=place)
        assert done.returncode == ("series=[a\x1b]" in command), done.stderr
        assert not unseen(done.stdout + done.stderr), command
        assert "note: forged" not in (done.stdout + done.stderr).splitlines()
    assert not [str(w.message) for w in recwarn if unseen(str(w.message))]
    page = (place / "r.html").read_text()
    assert "<script>alert" not in page
    assert not unseen(page)
    for path in place.rglob("*.json"):
        assert not unseen(path.read_text()), path
    assert set(pd.read_csv(place / "f.csv")["unique_id"]) == set(NAMES)
    assert {p.name for p in tmp_path.iterdir()} == {"a", "data.csv"}  # nothing climbed
    assert {p.name for p in place.parent.iterdir()} == {"c"}
    assert not [p for p in place.rglob("*") if unseen(p.name) or "passwd" in p.name]


def test_a_status_that_steers_a_terminal(tsconv_here: Command) -> None:
    Path("runs/x").mkdir(parents=True)
    Path("runs/x/status.json").write_text(
        '{"state":"failed\\u001b[2J","kind":"train","started":"2024","pid":1,"host":"h",'
        '"command":"c","tsconv":"1","error":"\\u202e\\u001b]0;x\\u0007","data":"../../\\u009b"}'
    )
    done = tsconv_here("runs")
    assert done.returncode == 0
    assert "failed\\x1b[2J" in done.stdout
    assert not unseen(done.stdout + done.stderr)
