"""What a sweep leaves to read: trials.csv, best.yaml, and the lines at its end.

All of it comes from the study, so that any machine that joined it can write them.
"""

from __future__ import annotations

import collections
import csv
import io
import json
from pathlib import Path
from typing import Any

import optuna
from omegaconf import OmegaConf
from optuna.trial import FrozenTrial, TrialState

from tsconv.atomic_write import replace_text
from tsconv.config.schema import SweepConfig

_FIGURES = ("train_seconds", "compile_seconds", "train_origins_per_second", "parameters")
_NOT_REPEATED = ("run_dir", "resume")  # of a trial's config: each run has its own
_STATES = {
    TrialState.COMPLETE: "complete",
    TrialState.PRUNED: "pruned",
    TrialState.FAIL: "failed",
    TrialState.RUNNING: "running",
    TrialState.WAITING: "waiting",
}


def finished(study: optuna.Study) -> list[FrozenTrial]:
    """The trials that ended, in the order of their numbers."""
    return [t for t in study.get_trials(deepcopy=False) if t.state.is_finished()]


def state_name(trial: FrozenTrial) -> str:
    """complete, pruned, running, waiting, or the kind of failure: failed, out of memory, lost."""
    if trial.state == TrialState.FAIL:
        return str(trial.user_attrs.get("kind", "failed"))
    return _STATES[trial.state]


def best_trials(study: optuna.Study) -> list[FrozenTrial]:
    """The best trial, or the Pareto front in the order of its first objective; [] for none."""
    if not any(t.state == TrialState.COMPLETE for t in study.get_trials(deepcopy=False)):
        return []
    if len(study.directions) == 1:
        return [study.best_trial]
    maximised = study.directions[0] == optuna.study.StudyDirection.MAXIMIZE
    return sorted(study.best_trials, key=lambda t: t.values[0], reverse=maximised)


def figure(trial: FrozenTrial, name: str) -> float | None:
    """A figure of a trial's metrics.json; None where it did not get so far."""
    value = trial.user_attrs.get("metrics", {}).get(name)
    return None if value is None else float(value)


def write_trials(study: optuna.Study, sweep: SweepConfig, path: Path) -> None:
    """trials.csv: a line for every trial, whatever became of it."""
    trials = study.get_trials(deepcopy=False)
    best = {t.number for t in best_trials(study)}
    keys = sorted({key for t in trials for key in t.params})
    errors = sorted({key for t in trials for key in t.user_attrs.get("val", {})})
    extra = [f"val.{k}" for k in errors if f"val.{k}" not in sweep.objectives]
    figures = [k for k in _FIGURES if k not in sweep.objectives]
    text = io.StringIO()
    out = csv.writer(text, lineterminator="\n")
    head = ["number", "state", "best", *sweep.objectives, "seed", *keys, *extra, *figures]
    out.writerow([*head, "seconds", "attempts", "error"])
    for t in trials:
        # A pruned trial's value is the last it reported, which no other can be compared with.
        values = t.values if t.state == TrialState.COMPLETE else None
        val = t.user_attrs.get("val", {})
        out.writerow(
            [
                t.number,
                state_name(t),
                int(t.number in best),
                *(values or [""] * len(sweep.objectives)),
                t.user_attrs.get("seed", ""),
                *(t.params.get(k, "") for k in keys),
                *(val.get(k.removeprefix("val."), "") for k in extra),
                *("" if figure(t, k) is None else figure(t, k) for k in figures),
                t.user_attrs.get("seconds", ""),
                t.user_attrs.get("attempt", ""),
                t.user_attrs.get("error", ""),
            ]
        )
    replace_text(path, text.getvalue())


def write_best(study: optuna.Study, sweep: SweepConfig, folder: Path) -> FrozenTrial | None:
    """best.yaml, twice: to look at, and where `--config-dir` expects an experiment."""
    best = best_trials(study)
    if not best:
        return None
    winner = best[0]
    config = {k: v for k, v in winner.user_attrs["config"].items() if k not in _NOT_REPEATED}
    figures = zip(sweep.objectives, winner.values or [], strict=True)
    value = ", ".join(f"{name} {value:.6g}" for name, value in figures)
    text = (
        "# @package _global_\n"
        f"# Trial {winner.number} of {folder.name}: {value}.\n"
        f"# Trained again on the same machine, it gives the same figures:\n"
        f"#   tsconv train --config-dir {folder} +experiment=best\n"
        f"{OmegaConf.to_yaml(OmegaConf.create(config))}"
    )
    (folder / "experiment").mkdir(exist_ok=True)
    for path in (folder / "best.yaml", folder / "experiment" / "best.yaml"):
        replace_text(path, text)
    return winner


def summary(study: optuna.Study, sweep: SweepConfig) -> list[str]:
    """The lines at the end: what became of the trials, why some failed, and the best of them."""
    trials = finished(study)
    counts = collections.Counter(state_name(t) for t in trials)
    lines = [f"{len(trials)} trials: {', '.join(f'{n} {name}' for name, n in counts.items())}"]
    reasons = collections.Counter(
        f"{state_name(t)}: {t.user_attrs['error']}" for t in trials if "error" in t.user_attrs
    )
    for reason, count in reasons.most_common(5):
        lines.append(f"  {count} {reason}")
    if len(reasons) > 5:
        lines.append(f"  and {len(reasons) - 5} other errors in trials.csv")
    best = best_trials(study)
    if len(sweep.objectives) > 1 and best:
        lines += ["Pareto front:", *(f"  {_line(t, sweep)}" for t in best)]
    elif best:
        lines.append(f"best: {_line(best[0], sweep)}")
    return lines


def first_error(study: optuna.Study) -> str | None:
    """The error of the first trial, where every trial failed."""
    trials = finished(study)
    if not trials or any(t.state != TrialState.FAIL for t in trials):
        return None
    return str(trials[0].user_attrs.get("error", "no reason was stored"))


def short_names(keys: list[str]) -> dict[str, str]:
    """The last part of each key, with the part before it where two would be the same."""
    last = collections.Counter(key.rpartition(".")[2] for key in keys)
    return {k: k if last[k.rpartition(".")[2]] > 1 else k.rpartition(".")[2] for k in keys}


def shown(value: Any) -> str:
    """A value as tables have it."""
    if isinstance(value, float):
        return f"{value:.4g}"
    return value if isinstance(value, str) else json.dumps(value)


def _line(trial: FrozenTrial, sweep: SweepConfig) -> str:
    figures = zip(sweep.objectives, trial.values or [], strict=True)
    values = ", ".join(f"{name} {value:.5g}" for name, value in figures)
    params = " ".join(f"{k}={shown(v)}" for k, v in trial.params.items())
    return f"trial {trial.number}: {values} with {params}"
