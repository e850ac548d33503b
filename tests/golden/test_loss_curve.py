"""The loss of each of 50 training steps, beside what it was: a change that trains otherwise shows.

`python -m tests.helpers.loss_curve` writes the file anew, where a change is meant to.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.helpers.loss_curve import FILE, loss_curve

# Of each loss. Processors round differently, which 50 steps make larger: some 1e-5 was seen, where
# another seed, or one origin less in a chunk, differs by 1e-2.
TOLERANCE = 1e-3


def test_the_losses_of_fifty_steps_are_what_they_were(tmp_path: Path) -> None:
    stored = json.loads(FILE.read_text())
    found = loss_curve(tmp_path)
    assert len(found) == len(stored["train_loss"]) == 50
    np.testing.assert_allclose(found, stored["train_loss"], rtol=TOLERANCE)


@pytest.mark.parametrize("change", ["seed=1", "optimizer.lr=0.002", "model.dropout=0.2"])
def test_the_tolerance_tells_changes_apart(tmp_path: Path, change: str) -> None:
    stored = json.loads(FILE.read_text())["train_loss"]
    found = loss_curve(tmp_path, change, "trainer.max_steps=20")
    assert not np.allclose(found, stored[:20], rtol=TOLERANCE)
