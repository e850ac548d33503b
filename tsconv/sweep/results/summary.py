"""What a sweep leaves to read: trials.csv, best.yaml, and the lines that it prints last.

All of it comes from the study, so any machine that joined the study can write it.
"""

from __future__ import annotations

import collections
import csv
import io
from pathlib import Path

import optuna
from omegaconf import OmegaConf
from optuna.trial import FrozenTrial, TrialState

from tsconv.atomic_write import replace_text
from tsconv.config.schema import SweepConfig
from tsconv.sweep.results.trials import (
    best_trials,
    cause,
    figure,
    finished,
    format_value,
    state_name,
)
from tsconv.text import plural

_FIGURES = ("train_seconds", "compile_seconds", "train_origins_per_second", "parameters")
_NOT_REPEATED = ("run_dir", "resume")  # keys of a trial's config that each run sets itself
_MOST_ERRORS = 5  # different errors in the summary


def write_trials(study: optuna.Study, sweep: SweepConfig, path: Path) -> None:
    """Write trials.csv: a line for every trial, whatever its state."""
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
        # The value of a pruned trial is the last that it reported, and no other compares with it.
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
    """Write the best trial's config as best.yaml, and again as experiment/best.yaml.

    The first is there to be read, the second is where `--config-dir` looks for an experiment.
    Returns the trial; None, and nothing written, where no trial was completed.
    """
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
    """The last lines of a sweep: how many trials ended how, why some failed, the best trials."""
    trials = finished(study)
    counts = collections.Counter(state_name(t) for t in trials)
    lines = [
        f"{plural(len(trials), 'trial')}: {', '.join(f'{n} {name}' for name, n in counts.items())}"
    ]
    reasons = collections.Counter(
        f"{state_name(t)}: {cause(t.user_attrs['error'])}"
        for t in trials
        if "error" in t.user_attrs
    )
    for reason, count in reasons.most_common(_MOST_ERRORS):
        lines.append(f"  {count} {reason}")
    if len(reasons) > _MOST_ERRORS:
        lines.append(f"  and {len(reasons) - _MOST_ERRORS} other errors in trials.csv")
    best = best_trials(study)
    if best:
        mark = "the best" if len(sweep.objectives) == 1 else "on the Pareto front"
        lines[0] += f" (*: {mark} when it ended)"
    if len(sweep.objectives) > 1 and best:
        lines += ["Pareto front:", *(f"  {_describe(t, sweep)}" for t in best)]
    elif best:
        lines.append(f"best: {_describe(best[0], sweep)}")
    return lines + (_describe_rival(best[0], sweep) if best else [])


def _describe_rival(trial: FrozenTrial, sweep: SweepConfig) -> list[str]:
    """A line with the best simple forecast's figures for the objectives that are errors."""
    rival = trial.user_attrs.get("rival") or {"val": {}}
    figures = {name: rival["val"].get(name.removeprefix("val.")) for name in sweep.objectives}
    shown = [f"{name} {value:.5g}" for name, value in figures.items() if value is not None]
    return [f"best simple forecast: {rival['name']}: {', '.join(shown)}"] if shown else []


def short_names(keys: list[str]) -> dict[str, str]:
    """The last part of each key, or the whole key where two keys have the same last part.

    >>> list(short_names(["model.hidden", "optimizer.name", "scheduler.name"]).values())
    ['hidden', 'optimizer.name', 'scheduler.name']
    """
    last = collections.Counter(key.rpartition(".")[2] for key in keys)
    return {k: k if last[k.rpartition(".")[2]] > 1 else k.rpartition(".")[2] for k in keys}


def _describe(trial: FrozenTrial, sweep: SweepConfig) -> str:
    figures = zip(sweep.objectives, trial.values or [], strict=True)
    values = ", ".join(f"{name} {value:.5g}" for name, value in figures)
    params = " ".join(f"{k}={format_value(v)}" for k, v in trial.params.items())
    return f"trial {trial.number}: {values} with {params}"
