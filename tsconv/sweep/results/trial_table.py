"""The live table of a sweep: a line for each trial that ends, and a bar with those that run."""

from __future__ import annotations

import sys
import time
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState
from tqdm import tqdm

from tsconv.config.schema import SweepConfig
from tsconv.output.tables import Column, format_line, format_number
from tsconv.sweep.results.summary import short_names
from tsconv.sweep.results.trials import best_trials, figure, finished, format_value, state_name
from tsconv.sweep.search_space.ranges import Space
from tsconv.text import format_seconds, printable

_LINES_PER_HEADING = 30
_SECONDS_BETWEEN_LINES = 30.0  # of progress, where there is no bar
_LONGEST_VALUE = 16  # characters of a key's value or name


class TrialTable:
    """The terminal's view of a study, whoever runs its trials; made by `run_sweep`.

    limit: how many trials the study may hold, the bar's whole length.
    show: whether to show what runs: as a bar on a terminal, elsewhere as a line at times.
    """

    def __init__(self, sweep: SweepConfig, space: Space, limit: int, show: bool) -> None:
        self._limit, self._n_objectives = limit, len(sweep.objectives)
        self._keys = [key_range.key for key_range in space]
        names = [short_names(self._keys)[key] for key in self._keys]
        self._heading = ["trial ", "state", *sweep.objectives, "train s", *names]
        self._columns = [
            Column(6),
            Column(13, "<", indent=2),
            *(Column(max(10, len(name)), indent=2) for name in sweep.objectives),
            Column(10),
            *(
                Column(min(_LONGEST_VALUE, max(8, len(name))), indent=2, longest=_LONGEST_VALUE)
                for name in names
            ),
        ]
        self._printed: set[int] = set()  # numbers of trials
        self._running: dict[int, str] = {}  # number -> progress
        self._begun = self._shown_at = time.monotonic()
        self._finished_before: int | None = None  # trials, when this command began
        self._shows_lines = show and not sys.stderr.isatty()
        self._bar = tqdm(
            total=limit,
            desc="trials",
            unit="trial",
            disable=None if show else True,  # None: where standard error is no terminal
            dynamic_ncols=True,
            mininterval=0.5,
            smoothing=0,  # the time left by the mean of all trials
        )

    def show_progress(self, message: dict[str, Any]) -> None:
        """Show a worker's message about its running trial in the bar; see `worker_job.py`."""
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

    def refresh(self, study: optuna.Study) -> None:
        """Print the trials that ended since the last call."""
        trials = finished(study)
        best = {t.number for t in best_trials(study)}
        for trial in trials:
            if trial.number in self._printed:
                continue
            if len(self._printed) % _LINES_PER_HEADING == 0:
                self._print(format_line(self._columns, self._heading))
            self._printed.add(trial.number)
            self._print(format_line(self._columns, self._cells(trial, trial.number in best)))
            if "error" in trial.user_attrs:
                self._print(f"        {trial.user_attrs['error']}")
            self._shown_at = time.monotonic()
        if self._finished_before is None:
            self._finished_before = len(trials)
        self._bar.n = min(len(trials), self._limit)
        self._bar.refresh()
        if self._shows_lines and time.monotonic() - self._shown_at >= _SECONDS_BETWEEN_LINES:
            self._shown_at = time.monotonic()
            self.print_note(self._progress_line(len(trials)))

    def _progress_line(self, done: int) -> str:
        parts = [f"{done} of {self._limit} trials", *self._running.values()]
        here = done - (self._finished_before or 0)
        if here > 0:
            left = (time.monotonic() - self._begun) / here * (self._limit - done)
            parts.append(f"about {format_seconds(left)} left")
        return ", ".join(parts)

    def print_note(self, line: str) -> None:
        """Print a line above the bar, on standard error."""
        self._bar.write(printable(line), file=sys.stderr)

    def close(self) -> None:
        """Leave the bar as it is."""
        self._bar.close()

    def _cells(self, trial: FrozenTrial, is_best: bool) -> list[str]:
        values = trial.values if trial.state == TrialState.COMPLETE else [None] * self._n_objectives
        return [
            f"{trial.number}{'*' if is_best else ' '}",
            state_name(trial),
            *(format_number(value, ".5g") for value in values),
            format_number(figure(trial, "train_seconds"), ".1f"),
            *(format_value(trial.params[k]) if k in trial.params else "" for k in self._keys),
        ]

    def _print(self, line: str) -> None:
        self._bar.write(printable(line), file=sys.stdout)
        sys.stdout.flush()
