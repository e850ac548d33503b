"""The pictures of a sweep: which are drawn, what stands where, and that no study breaks them."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import optuna
import pytest
from matplotlib.colors import to_rgba
from optuna.trial import TrialState

from tsconv.output.plots import ORANGE
from tsconv.sweep.results import pictures
from tsconv.sweep.results.drawing import Scale, key_scale, log_ticks, place, robust_scale, wrapped
from tsconv.sweep.results.pictures import draw_all
from tsconv.sweep.search_space.parse import parse_space
from tsconv.sweep.search_space.ranges import Space, draw

MAE, SPEED = "val.scaled_mae", "train_origins_per_second"
LR = {"type": "log_float", "low": 0.001, "high": 0.1}
SMALL = parse_space({"lr": LR, "width": {"type": "int", "low": 1, "high": 9}})
CONDITIONAL = parse_space(
    {
        "model": {"rows": {"choices": ["shared", "pooled"]}, "bias": {"choices": [True, False]}},
        "mix": {"choices": [None, "mean"], "when": {"model.rows": "pooled"}},
        "lr": LR,
    }
)
LISTS = [[1, 2, 4, 8, 16, 32], [1, 2, 4, 8, 16, 64]]
WIDE = parse_space(
    {
        "norm": {"choices": [*(f"a_rather_long_way_to_scale_{i}" for i in range(5)), None]},
        "dilations": {"choices": LISTS},
        "left_$side$": {"size": {"type": "int", "low": 2, "high": 9}},
        "right_$side$": {"size": {"type": "log_int", "low": 2, "high": 512}},
        "fixed": {"choices": ["only"]},
        "also_fixed": {"type": "log_float", "low": 3, "high": 3},
        **{
            f"a_long_name_that_says_much_{i}": {"type": "float", "low": 0, "high": 0.5, "step": 0.1}
            for i in range(6)
        },
    }
)


def study_of(values: list[Any], space: Space = SMALL, *objectives: str) -> optuna.Study:
    """A trial for each value: a figure, several, ("pruned", the last reported) or "failed"."""
    ways = ["maximize" if name == SPEED else "minimize" for name in objectives or (MAE,)]
    study = optuna.create_study(directions=ways, sampler=optuna.samplers.RandomSampler(seed=0))
    for value in values:
        trial = study.ask()
        draw(space, trial)
        if value == "failed":
            study.tell(trial, state=TrialState.FAIL)
        elif isinstance(value, tuple) and value[0] == "pruned":
            if value[1] is not None:
                trial.report(value[1], 50)
            study.tell(trial, state=TrialState.PRUNED)
        else:
            study.tell(trial, value)
    return study


def sweep(*objectives: str) -> Any:
    return SimpleNamespace(objectives=list(objectives or (MAE,)))


def files(study: optuna.Study, folder: Path, space: Space = SMALL, *objectives: str) -> set[str]:
    """What draw_all leaves: nothing but pictures."""
    draw_all(study, sweep(*objectives), space, folder / "a" / "plots")
    found = list((folder / "a" / "plots").iterdir())
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in found)
    return {path.name for path in found}


def marks(ax: Any) -> dict[str, list[list[float]]]:
    """label -> the places of what was scattered, to two decimals."""
    found: dict[str, list[list[float]]] = {}
    for dots in ax.collections:
        found.setdefault(dots.get_label(), []).extend(dots.get_offsets().round(2).tolist())
    return found


def test_one_completed_trial_leaves_all_but_importances_and_a_front(tmp_path: Path) -> None:
    found = files(study_of(["failed", 0.5], CONDITIONAL), tmp_path, CONDITIONAL)
    assert found == {"history.png", "slices.png", "parallel.png"}


def test_nothing_is_drawn_where_no_trial_was_completed(tmp_path: Path) -> None:
    draw_all(study_of([("pruned", 1.0), "failed"]), sweep(), SMALL, tmp_path / "plots")
    assert not (tmp_path / "plots").exists()


def test_many_trials_over_many_keys_of_every_kind(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    values = [v if i % 3 else ("pruned", 2 * v) for i, v in enumerate(10 ** rng.normal(size=200))]
    found = files(study_of(values, WIDE), tmp_path, WIDE)
    assert found == {"history.png", "importances.png", "slices.png", "parallel.png"}


def test_two_objectives_have_a_front(tmp_path: Path) -> None:
    values = [[i + 1.0, 10.0 ** (i % 5)] for i in range(12)]
    found = files(study_of(values, CONDITIONAL, MAE, SPEED), tmp_path, CONDITIONAL, MAE, SPEED)
    names = ("history", "importances", "slices", "parallel", "pareto")
    assert found == {f"{name}.png" for name in names}


def test_history_shows_what_became_of_every_trial() -> None:
    study = study_of([0.8, ("pruned", 0.9), "failed", 0.6, ("pruned", 50.0), ("pruned", None), 1.0])
    ax = pictures.history(study, sweep()).axes[0]
    found = marks(ax)
    assert found["completed"] == [[0, 0.5], [3, 0], [6, 1]]
    assert found["pruned"] == [[1, 0.75], [5, -0.04]], "the one without a value, at the edge"
    assert found["pruned, beyond the picture"] == [[4, 1.06]]
    assert found["failed"] == [[2, -0.04]]
    assert np.allclose(ax.lines[0].get_ydata(), [0.5, 0, 0, 0]), "best so far, to the right edge"
    assert "trial 3 is the best with 0.6" in ax.get_title(loc="left")


def test_what_a_pruned_trial_reported_is_not_another_objectives_value() -> None:
    study = study_of([0.8, ("pruned", 0.7), 0.6])
    found = marks(pictures.history(study, sweep("val.mse")).axes[0])
    assert found["pruned"] == [[1, -0.04]]


def test_the_more_is_the_better_where_the_objective_says_so() -> None:
    study = study_of([3.0, 5.0, 4.0], SMALL, SPEED)
    ax = pictures.history(study, sweep(SPEED)).axes[0]
    assert np.allclose(ax.lines[0].get_ydata(), [0, 1, 1, 1])
    assert "higher is better" in ax.get_title(loc="left")
    assert "trial 1 is the best" in ax.get_title(loc="left")


def test_importances_find_what_makes_a_trial_good_whichever_way_is_better() -> None:
    for name, sign in ((MAE, -1), (SPEED, 1)):
        drawn = study_of([0.0] * 99, SMALL, name)
        study = optuna.create_study(directions=drawn.directions)
        for trial in drawn.trials:  # a good one by its lr, a bad one by its width
            trial.values = [sign * (9 * (trial.params["lr"] > 0.05) - (trial.params["width"] < 3))]
            study.add_trial(trial)
        shares = pictures.key_shares(study, 0, SMALL)
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
        assert pictures.importances(study_of(values, space), sweep(), space) is None
    enough = study_of([*range(9)])
    assert pictures.importances(enough, sweep(), SMALL) is not None
    monkeypatch.setattr(optuna.importance, "get_param_importances", lambda *_, **__: 1 / 0)
    assert pictures.importances(enough, sweep(), SMALL) is None


def test_slices_hold_the_trials_that_drew_the_key() -> None:
    study = study_of([float(i) for i in range(12)], CONDITIONAL)
    figure = pictures.slices(study, sweep(), CONDITIONAL)
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
    ax = pictures.parallel(study, sweep(), CONDITIONAL).axes[0]
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
    figure = pictures.parallel(study, sweep(SPEED), WIDE)
    figure.canvas.draw()
    boxes = [text.get_window_extent() for text in figure.axes[0].texts]
    assert len(boxes) > 30
    for i, box in enumerate(boxes):
        assert box.x0 > 0 < box.y0
        assert box.x1 < figure.bbox.x1
        assert box.count_overlaps(boxes[:i]) == 0, figure.axes[0].texts[i]


def test_the_front_is_named_and_kept_within_the_picture() -> None:
    values = [[1.0, 900.0], [2.0, 5.0], [2.1, 6.0], [2.2, 4.0], [2.3, 7.0], [3.0, 1.0]]
    study, two = study_of(values, SMALL, MAE, "parameters"), sweep(MAE, "parameters")
    titles = [ax.get_title(loc="left") for ax in pictures.history(study, two).axes]
    assert ["trial 0 is" in titles[0], "trial 5 is" in titles[1]] == [True, True]
    ax = pictures.pareto(study, two).axes[0]
    assert [text.get_text() for text in ax.texts] == ["0", "1", "3", "5"]
    assert np.allclose(ax.lines[0].get_xdata(), [0, 0.5, 0.6, 1])
    assert ax.lines[0].get_ydata().max() == 1
    assert pictures.pareto(study_of([1.0]), sweep()) is None


@pytest.mark.parametrize(
    ("values", "maximise", "expected"),
    [
        ([1, 2, 3, 4, 500], False, (1, 4, False)),
        ([10, 9, 8, 7, -500], True, (7, 10, False)),
        ([1, 2, 3, 4, 6], False, (1, 6, False)),
        ([-500, 7, 8, 9, 10], False, (-500, 10, False)),  # the best is never left out
        ([1, 10, 100, 1000, 10000], False, (1, 10000, True)),
        ([1, 10, 100, 1000, 1e300], False, (1, 1000, True)),
        ([5], False, (5, 5, False)),
        ([2, 2, 2, 2, 3], False, (2, 3, False)),
    ],
)
def test_one_terrible_trial_does_not_flatten_the_rest(
    values: list[float], maximise: bool, expected: tuple[float, float, bool]
) -> None:
    scale = robust_scale(values, maximise)
    assert (scale.low, scale.high, scale.log) == expected
    assert robust_scale(values, maximise, keep=[700]).high == max(700, expected[1])


def test_places_on_an_axis() -> None:
    space = {each.key: each for each in WIDE}
    trial = study_of([1.0], WIDE).trials[0]
    trial.params.update(
        {"right_$side$.size": 32, "a_long_name_that_says_much_0": 0.1, "norm": None}
    )
    assert place(space["right_$side$.size"], trial) == pytest.approx(0.5)
    assert place(space["a_long_name_that_says_much_0"], trial) == pytest.approx(0.2)
    assert place(space["also_fixed"], trial) == 0.5
    assert place(space["norm"], trial) == pytest.approx(5.5 / 6, abs=0.2 / 6)
    trial.params["dilations"] = str(LISTS[1])
    assert place(space["dilations"], trial) == pytest.approx(0.75, abs=0.1)


def test_labels_are_few_round_and_told_apart() -> None:
    assert log_ticks(0.001, 0.02) == [0.001, 0.002, 0.005, 0.01, 0.02]
    assert log_ticks(1e-6, 0.3) == [1e-6, 1e-4, 1e-2]
    assert log_ticks(0.0031, 0.0045) == [0.0031, 0.0045]
    assert list(Scale(0, 0.5).ticks().values()) == ["0", "0.1", "0.2", "0.3", "0.4", "0.5"]
    assert list(Scale(2, 4, whole=True).ticks().values()) == ["2", "3", "4"]
    lists = key_scale(next(each for each in WIDE if each.key == "dilations")).ticks()
    assert list(lists) == [0.25, 0.75]
    assert set(lists.values()) == {"[1, 2, …6, 32]", "[1, 2, …6, 64]"}
    assert wrapped("a_very_long_name.of_a_key") == "a_very_long_\nname.of_a_key"
