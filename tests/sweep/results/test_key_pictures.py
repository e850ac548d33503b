"""Pictures of the keys: what stands where, and what importances say."""

from __future__ import annotations

import numpy as np
import optuna
import pytest
from matplotlib.colors import to_rgba

from tests.helpers.trials import CONDITIONAL, LR, MAE, SMALL, SPEED, WIDE, marks, study_of, sweep
from tsconv.output.plots import ORANGE
from tsconv.sweep.results import key_pictures
from tsconv.sweep.results.key_pictures import importances, key_shares, parallel, slices
from tsconv.sweep.search_space.parse import parse_space


def test_importances_find_what_makes_a_trial_good_whichever_way_is_better() -> None:
    for name, sign in ((MAE, -1), (SPEED, 1)):
        drawn = study_of([0.0] * 99, SMALL, name)
        study = optuna.create_study(directions=drawn.directions)
        for trial in drawn.trials:  # a good one by its lr, a bad one by its width
            trial.values = [sign * (9 * (trial.params["lr"] > 0.05) - (trial.params["width"] < 3))]
            study.add_trial(trial)
        shares = key_shares(study, 0, SMALL)
        assert shares["lr"] > 0.8
        assert sum(shares.values()) == pytest.approx(1)


def test_importances_are_left_out_where_they_say_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    one_key = parse_space({"lr": LR})
    for values, space in (
        ([1.0, 2.0, 3.0, 4.0], SMALL),
        ([1.0] * 9, SMALL),
        ([*range(9)], one_key),
        ([*range(9)], parse_space({"a": {"choices": ["x"]}, "b": {"choices": ["y"]}})),
    ):
        assert importances(study_of(values, space), sweep(), space) is None
    enough = study_of([*range(9)])
    assert importances(enough, sweep(), SMALL) is not None
    monkeypatch.setattr(optuna.importance, "get_param_importances", lambda *_, **__: 1 / 0)
    assert importances(enough, sweep(), SMALL) is None


def test_a_share_below_a_percent_is_not_called_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(key_pictures, "key_shares", lambda *_: {"lr": 0.996, "width": 0.004})
    figure = importances(study_of([*range(9)]), sweep(), SMALL)
    assert [text.get_text() for text in figure.axes[0].texts] == ["<1%", "100%"]


def test_slices_hold_the_trials_that_drew_the_key() -> None:
    study = study_of([float(i) for i in range(12)], CONDITIONAL)
    figure = slices(study, sweep(), CONDITIONAL)
    panels = {ax.get_title(loc="left"): ax for ax in figure.axes if ax.get_title(loc="left")}
    drew = sum("mix" in t.params for t in study.trials)
    assert 0 < drew < 12
    mix = panels[f"mix ({drew} trials)"]
    assert sum(len(dots.get_offsets()) for dots in mix.collections[:1]) == drew
    assert [label.get_text() for label in mix.get_xticklabels()] == ["null", "mean"]
    best = marks(panels["lr"])["trial 0, the best"]
    assert best == [[round((np.log10(study.trials[0].params["lr"]) + 3) / 2, 2), 0]]


def test_parallel_has_a_lane_for_trials_without_a_key_and_the_best_on_top() -> None:
    study = study_of([2.0, 1.0, 3.0, 90.0], CONDITIONAL)
    ax = parallel(study, sweep(), CONDITIONAL).axes[0]
    best = ax.lines[-1]
    assert to_rgba(best.get_color()) == to_rgba(ORANGE)
    at = [each.key for each in CONDITIONAL].index("mix")
    for line, number in zip(ax.lines, (3, 2, 0, 1), strict=True):
        unused = "mix" not in study.trials[number].params
        assert (line.get_ydata()[at] < 0) == unused
    assert [line.get_ydata()[-1] for line in ax.lines] == [1, 1, 0.5, 0]
    texts = [text.get_text() for text in ax.texts]
    assert {"not used", "null", "true", "0.001", "0.1", "3 to 90"} <= set(texts)


def test_no_words_of_parallel_touch_each_other_or_the_edge() -> None:
    study = study_of([0.001234567, *range(1, 9), 123456789.0], WIDE, SPEED)
    figure = parallel(study, sweep(SPEED), WIDE)
    figure.canvas.draw()
    boxes = [text.get_window_extent() for text in figure.axes[0].texts]
    assert len(boxes) > 30
    for i, box in enumerate(boxes):
        assert box.x0 > 0 < box.y0
        assert box.x1 < figure.bbox.x1
        assert box.count_overlaps(boxes[:i]) == 0, figure.axes[0].texts[i]
