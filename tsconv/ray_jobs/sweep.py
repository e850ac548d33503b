"""A sweep on Ray: each task is a worker that takes trials of the same study."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

from tsconv.config.compose import sweep_plan
from tsconv.ray_jobs.session import ray_session, run_tasks, split_settings
from tsconv.sweep.run import Sweep, run_sweep
from tsconv.text import plural

_TASKS = 2  # where `ray.tasks` is not given


def ray_sweep(overrides: Sequence[str], finish: Callable[[Sequence[str]], None]) -> None:
    """Run `tsconv sweep ...` with workers on Ray, which share its Optuna study.

    overrides: those of `tsconv sweep`, and keys `ray.*`, see `RaySettings`. The study is a journal
    in the folder of the sweep, which all machines must share, or a database (`sweep.storage`).
    finish: is called with the overrides once no trial is left, to write and print the results.

    A worker that dies is started again, and its trial is tried again as in any sweep.
    """
    settings, own = split_settings(overrides)
    own = [o for o in own if not o.startswith("sweep.workers=")] + ["sweep.workers=1"]
    Sweep(own)  # faults of the config, before Ray is started
    tasks = settings.tasks or _TASKS

    def done(trials: int) -> None:
        print(f"a worker has ended: {plural(trials, 'trial')}", file=sys.stderr, flush=True)

    with ray_session(settings):
        run_tasks(work_on_trials, [(own,)] * tasks, settings, done)
    finish(own)


def work_on_trials(overrides: list[str]) -> int:
    """Take trials until none is left; return how many were run here."""
    quiet = "callbacks.progress=false"
    own = [o for o in overrides if not o.startswith(("callbacks.progress=", "sweep.refit="))]
    sweep_plan(own)
    result = run_sweep(Sweep([*own, quiet, "sweep.refit=false"]), lambda line: None)
    return len(result.own_trials)
