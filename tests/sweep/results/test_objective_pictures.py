"""Pictures of the objectives: what stands where."""

from __future__ import annotations

import numpy as np

from tests.helpers.trials import MAE, SMALL, SPEED, marks, study_of, sweep
from tsconv.sweep.results.objective_pictures import history, pareto


def test_history_shows_what_became_of_every_trial() -> None:
    study = study_of([0.8, ("pruned", 0.9), "failed", 0.6, ("pruned", 50.0), ("pruned", None), 1.0])
    ax = history(study, sweep()).axes[0]
    found = marks(ax)
    assert found["completed"] == [[0, 0.5], [3, 0], [6, 1]]
    assert found["pruned"] == [[1, 0.75], [5, -0.04]], "the one without a value, at the edge"
    assert found["pruned, beyond the picture"] == [[4, 1.06]]
    assert found["failed"] == [[2, -0.04]]
    assert np.allclose(ax.lines[0].get_ydata(), [0.5, 0, 0, 0]), "best so far, to the right edge"
    assert "trial 3 is the best with 0.6" in ax.get_title(loc="left")


def test_what_a_pruned_trial_reported_is_not_another_objectives_value() -> None:
    study = study_of([0.8, ("pruned", 0.7), 0.6])
    found = marks(history(study, sweep("val.mse")).axes[0])
    assert found["pruned"] == [[1, -0.04]]


def test_the_more_is_the_better_where_the_objective_says_so() -> None:
    study = study_of([3.0, 5.0, 4.0], SMALL, SPEED)
    ax = history(study, sweep(SPEED)).axes[0]
    assert np.allclose(ax.lines[0].get_ydata(), [0, 1, 1, 1])
    assert "higher is better" in ax.get_title(loc="left")
    assert "trial 1 is the best" in ax.get_title(loc="left")


def test_the_front_is_named_and_kept_within_the_picture() -> None:
    values = [[1.0, 900.0], [2.0, 5.0], [2.1, 6.0], [2.2, 4.0], [2.3, 7.0], [3.0, 1.0]]
    study, two = study_of(values, SMALL, MAE, "parameters"), sweep(MAE, "parameters")
    titles = [ax.get_title(loc="left") for ax in history(study, two).axes]
    assert ["trial 0 is" in titles[0], "trial 5 is" in titles[1]] == [True, True]
    ax = pareto(study, two).axes[0]
    assert [text.get_text() for text in ax.texts] == ["0", "1", "3", "5"]
    assert np.allclose(ax.lines[0].get_xdata(), [0, 0.5, 0.6, 1])
    assert ax.lines[0].get_ydata().max() == 1
    assert pareto(study_of([1.0]), sweep()) is None
