"""The golden loss curve: 50 training steps on the weather of Seattle, on one thread."""

from __future__ import annotations

import csv
import json
import sys
import tempfile
from pathlib import Path

from tsconv.config.compose import train_config
from tsconv.training.run import train

FILE = Path(__file__).parents[1] / "golden" / "loss_curve.json"
DATA = Path(__file__).parents[2] / "data" / "seattle_weather.csv"
CONFIG = (
    "experiment=quickstart", "deterministic=true", "threads=1", "trainer.max_steps=50",
    "trainer.log_every_n_steps=1", "trainer.val_check_interval=25", "logger=csv", "plots=false",
    "refit=false", "callbacks.progress=false", "callbacks.checkpoints=false",
)  # fmt: skip


def loss_curve(folder: Path, *changes: str) -> list[float]:
    """The training loss of each step of a training in `folder`; changes: of its config."""
    overrides = [*CONFIG, f"data.path={DATA}", f"run_dir={folder / 'run'}", *changes]
    result = train(train_config(overrides))
    (path,) = result.run_dir.rglob("metrics.csv")
    with path.open() as file:
        losses = [line["train_loss"] for line in csv.DictReader(file)]
    return [float(loss) for loss in losses if loss]


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        curve = [round(loss, 7) for loss in loss_curve(Path(name))]
    FILE.write_text(json.dumps({"config": CONFIG, "train_loss": curve}, indent=1) + "\n")
    sys.stdout.write(f"{FILE}: {len(curve)} losses, {curve[0]} to {curve[-1]}\n")
