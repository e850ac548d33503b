"""`tsconv train budget=...`: what a race prints and writes, and what it refuses."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.helpers.frames import daily_frame
from tsconv.race.leaderboard import leaderboard_text, read_leaderboard

Run = Callable[..., "subprocess.CompletedProcess[str]"]
SMALL = (
    "data.path=sales.csv", "horizon=7", "trainer.max_steps=6", "compile=false", "plots=false",
    "precision=float32", "callbacks.progress=false", "model.hidden=4", "model.levels=2",
    "context_length=14",
)  # fmt: skip


@pytest.fixture(autouse=True)
def sales(tmp_path: Path) -> None:
    daily_frame(2, 120).to_csv(tmp_path / "sales.csv", index=False)


def test_a_race_in_candidates_is_reproducible_and_printed(tsconv_here: Run, tmp_path: Path) -> None:
    boards = []
    for name in ("a", "b"):
        done = tsconv_here("train", *SMALL, "budget=2candidates", f"run_dir={name}")
        assert done.returncode == 0, done.stderr
        board = read_leaderboard(tmp_path / name)
        assert leaderboard_text(board) in done.stdout
        race = json.loads((tmp_path / name / "metrics.json").read_text())["race"]
        assert race["members"] == [b["candidate"] for b in board if b["in_bundle"] == "True"]
        assert race["winner"] in race["members"]
        boards.append([(one["candidate"], one["val_loss"], one["steps"]) for one in board])
    assert boards[0] == boards[1]


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        (("budget=0s",), "`budget` (=0s) must be a time"),
        (("budget=20s", "trainer.devices=2"), "races on one device"),
    ],
)
def test_what_cannot_be_raced_is_refused(
    tsconv_here: Run, tmp_path: Path, keys: tuple[str, ...], words: str
) -> None:
    done = tsconv_here("train", *SMALL, *keys, "run_dir=run")
    assert done.returncode == 1
    assert words in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "run").exists()
