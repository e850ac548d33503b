"""The live table of a sweep: a line for each trial that ends, and a bar with those that run."""

from __future__ import annotations

import sys
from typing import Any

import optuna
from optuna.trial import TrialState
from tqdm import tqdm

from tsconv.config.schema import SweepConfig
from tsconv.sweep.results.summary import (
    best_trials,
    figure,
    finished,
    short_names,
    shown,
    state_name,
)
from tsconv.sweep.search_space.ranges import Space

_HEADINGS = 30  # lines between repeated headings


class TrialTable:
    """Prints what happened to a study since the last look, whoever ran the trials."""

    def __init__(self, sweep: SweepConfig, space: Space, total: int, show: bool) -> None:
        self.sweep, self.total = sweep, total
        self.keys = [each.key for each in space]
        names = short_names(self.keys)
        self.names = [names[key] for key in self.keys]
        self._printed: set[int] = set()
        self._running: dict[int, str] = {}
        self._lines = 0
        self._bar = tqdm(
            total=total,
            desc="trials",
            unit="trial",
            disable=None if show else True,  # None: where nobody looks at a terminal
            dynamic_ncols=True,
            mininterval=0.5,
        )

    def message(self, message: dict[str, Any]) -> None:
        """What a worker said about its running trial."""
        number = message.get("number")
        if number is None:
            return
        if message["event"] == "begin":
            self._running[number] = f"#{number}"
        elif message["event"] == "step":
            done = 100 * message["step"] // message["steps"]
            self._running[number] = f"#{number} {done}% {message['error']:.4g}"
        else:
            self._running.pop(number, None)
        self._bar.set_postfix_str("  ".join(self._running.values()), refresh=True)

    def look(self, study: optuna.Study) -> None:
        """Print the trials that ended since the last look."""
        trials = finished(study)
        best = {t.number for t in best_trials(study)}
        for trial in trials:
            if trial.number in self._printed:
                continue
            self._printed.add(trial.number)
            self._heading()
            values = trial.values if trial.state == TrialState.COMPLETE else None
            cells = [f"{v:.5g}" for v in values] if values else [""] * len(self.sweep.objectives)
            seconds = figure(trial, "train_seconds")
            mark = "*" if trial.number in best else " "
            self._row(
                str(trial.number) + mark,
                state_name(trial),
                cells,
                "" if seconds is None else f"{seconds:.1f}",
                [shown(trial.params[k]) if k in trial.params else "" for k in self.keys],
            )
            if "error" in trial.user_attrs:
                self._print(f"        {trial.user_attrs['error']}")
        self._bar.n = min(len(trials), self.total)
        self._bar.refresh()

    def say(self, line: str) -> None:
        """A line above the bar, on standard error."""
        self._bar.write(line, file=sys.stderr)

    def close(self) -> None:
        self._bar.close()

    def _heading(self) -> None:
        if self._lines % _HEADINGS == 0:
            self._row("trial ", "state", self.sweep.objectives, "train s", self.names)
        self._lines += 1

    def _row(
        self, number: str, state: str, values: list[str], seconds: str, params: list[str]
    ) -> None:
        objectives = "".join(
            f"{v:>{max(10, len(n)) + 2}}"
            for v, n in zip(values, self.sweep.objectives, strict=True)
        )
        drawn = "".join(
            f"{v[:16]:>{min(16, max(8, len(n))) + 2}}"
            for v, n in zip(params, self.names, strict=True)
        )
        self._print(f"{number:>6}  {state:<13}{objectives}{seconds:>10}{drawn}")

    def _print(self, line: str) -> None:
        self._bar.write(line, file=sys.stdout)
        sys.stdout.flush()
