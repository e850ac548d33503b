"""The leaderboard: what is written is read again, and what is printed names the bundle's own."""

from pathlib import Path

from tsconv.race.leaderboard import leaderboard_text, read_leaderboard, write_leaderboard

BOARD = [
    {"candidate": f"context {n}, shared", "val_loss": n / 100, "steps": n, "seconds": 0.25,
     "in_bundle": n < 9}
    for n in range(7, 19)
]  # fmt: skip


def test_a_written_leaderboard_prints_as_the_one_in_memory(tmp_path: Path) -> None:
    write_leaderboard(BOARD, tmp_path)
    stored = read_leaderboard(tmp_path)
    assert [float(one["val_loss"]) for one in stored] == [one["val_loss"] for one in BOARD]
    assert leaderboard_text(stored) == leaderboard_text(BOARD)


def test_the_best_are_printed_and_those_in_the_bundle_marked() -> None:
    lines = leaderboard_text(BOARD, most=3).splitlines()
    assert [line[0] for line in lines[1:4]] == ["*", "*", " "]
    assert lines[1].split()[-3:] == ["0.07", "7", "0.2"]
    assert lines[-1] == "* in the bundle; 9 more in leaderboard.csv"
    assert "more" not in leaderboard_text(BOARD, most=12)
