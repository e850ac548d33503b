"""Draws the pictures of a finished sweep into a folder."""

from __future__ import annotations

from pathlib import Path

import optuna

from tsconv.config.schema import SweepConfig
from tsconv.output.plots import save_figure
from tsconv.sweep.results.key_pictures import importances, parallel, slices
from tsconv.sweep.results.objective_pictures import history, pareto
from tsconv.sweep.results.trials import completed
from tsconv.sweep.search_space.ranges import Space


def draw_all(study: optuna.Study, sweep: SweepConfig, space: Space, folder: Path) -> None:
    """Draw every picture that the completed trials allow; nothing where there are none.

    Writes history.png, slices.png and parallel.png, importances.png where there are enough
    trials, and pareto.png where there are several objectives.
    """
    if not completed(study):
        return
    folder.mkdir(parents=True, exist_ok=True)
    pictures = {
        "history": history(study, sweep),
        "importances": importances(study, sweep, space),
        "slices": slices(study, sweep, space),
        "parallel": parallel(study, sweep, space),
        "pareto": pareto(study, sweep),
    }
    for name, figure in pictures.items():
        if figure is not None:  # replaced whole: two sweeps on one study may draw at once
            save_figure(figure, folder / f"{name}.png")
