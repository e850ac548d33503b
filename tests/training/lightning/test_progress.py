"""Lines of progress: the time left is an estimate by the mean speed since the start."""

from __future__ import annotations

import io

import pytest

from tsconv.training.lightning import progress


@pytest.mark.parametrize(
    ("initial", "steps", "left"), [(0, 20, "1 min 56 s"), (50, 30, "1 min 31 s")]
)
def test_a_busy_moment_is_not_taken_for_the_rule(
    monkeypatch: pytest.MonkeyPatch, initial: int, steps: int, left: str
) -> None:
    """All steps take a second but the last, which takes ten."""
    now = 0.0
    monkeypatch.setattr(progress.time, "monotonic", lambda: now)
    out = io.StringIO()
    lines = progress.ProgressLines(total=initial + 100, initial=initial, out=out)
    for step in range(1, steps):
        now = float(step)
        lines.update(initial + step, {"loss": "0.5"})
    now += 10
    lines.update(initial + steps, {"loss": "0.5"})
    last = out.getvalue().splitlines()[-1]
    assert last.startswith(f"step {initial + steps} of {initial + 100} ")
    assert last.endswith(f"loss 0.5, {left} left")
