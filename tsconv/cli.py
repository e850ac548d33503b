"""The commands: `tsconv check|train|forecast|sweep`, each followed by Hydra overrides.

Exit codes: 0 done; 1 the input or the config is at fault, with one line that says what to change
(TSCONV_DEBUG=1 shows the traceback); 2 usage.
"""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tsconv.errors import TsconvError, nearest, one_line
from tsconv.notes import LEFT_OUT, left_out

if TYPE_CHECKING:
    from tsconv.training.run import TrainResult

USAGE = """\
usage: tsconv COMMAND [--config-dir DIR] [key=value ...]

commands:
  check       look at a file first:   tsconv check data.path=sales.csv
  train       fit a network:          tsconv train data.path=sales.csv horizon=28
              several in turn:        tsconv train -m model.hidden=32,64 seed=0,1,2 ...
  forecast    use a trained bundle:   tsconv forecast bundle=runs/.../bundle data.path=sales.csv
  sweep       search for a config:    tsconv sweep data.path=sales.csv horizon=28 sweep.n_trials=50
  completion  for your shell:         tsconv completion bash

`tsconv COMMAND --help` explains the keys to set first, `--help all` every key.
`tsconv --version` prints the version.
"""


def check_command(overrides: Sequence[str], config_dir: str | None = None) -> None:
    """Print what training would find in a file, and the `tsconv train` line that fits it."""
    from tsconv.config.compose import check_plan

    plan = check_plan(overrides, config_dir)
    from tsconv.check.check_file import check_file
    from tsconv.output.run_files import write_json

    report, refusal = check_file(plan, overrides, config_dir)
    print(report.text(), flush=True)
    if plan.output is not None:
        write_json(report.to_dict(), Path(plan.output))
    if refusal is not None:
        raise refusal


def train_command(overrides: Sequence[str], config_dir: str | None = None) -> None:
    """Train, then print the table of test metrics and the bundle's path."""
    result = _train(overrides, config_dir)
    if result is None:
        return
    from tsconv.output.metrics_table import summary_text

    metrics = result.metrics
    if metrics["test"] is not None:
        print(summary_text(metrics))
    else:
        print("no test part: nothing was held out to score")
    print(
        f"trained {metrics['train_steps']} steps in {metrics['train_seconds']:.1f} s "
        f"({metrics['train_origins_per_second']:,.0f} origins/s)"
    )
    _repeat_left_out(left_out(result.notes))
    print(f"bundle: {result.run_dir / 'bundle'}")


def _train(overrides: Sequence[str], config_dir: str | None) -> TrainResult | None:
    """Start a training or resume one; None where the run to resume is finished, which is said."""
    try:
        from tsconv.config.resume import train_or_resume_config

        config = train_or_resume_config(overrides, config_dir)
        from tsconv.output.run_files import write_overrides
        from tsconv.training.resume import finished_line
        from tsconv.training.run import train

        finished = finished_line(config)
        if finished is not None:
            print(f"{finished}\nbundle: {Path(str(config.run_dir)) / 'bundle'}")
            return None

        def started(run_dir: Path) -> None:
            print(f"run folder: {run_dir}", file=sys.stderr, flush=True)
            own = [o for o in overrides if not o.startswith("resume=")]
            write_overrides(own, config, run_dir / ".hydra")

        return train(config, notify=_print_note, started=started)
    except KeyboardInterrupt as stop:
        raise KeyboardInterrupt(*(stop.args or ("nothing was written",))) from None


def forecast_command(overrides: Sequence[str], config_dir: str | None = None) -> None:
    """Forecast every series of a file from its last step, then print the output's path."""
    from tsconv.config.compose import forecast_config

    config = forecast_config(overrides, config_dir)
    from tsconv.forecasting.run import run_forecast

    result = run_forecast(config)
    if result is None:
        print(config.template)
        return
    notes = [*result.panel.notes, *([] if result.skipped is None else [result.skipped])]
    for note in notes:
        if note.kind not in LEFT_OUT:
            _print_note(str(note))
    if config.plot is not None:
        from tsconv.output.plots import plot_forecasts

        asked_for = 0 if config.series is None else len(result.forecast.series)
        plot_forecasts(
            result.panel,
            result.forecast,
            result.bundle.net.quantiles,
            Path(config.plot),
            max(config.plot_series, asked_for),
            result.bundle.encodings,
        )
    _repeat_left_out(left_out(notes))
    print(result.summary)
    if config.plot is not None:
        print(config.plot)
    print(config.output)


def multirun_command(overrides: Sequence[str], config_dir: str | None = None) -> None:
    """Train with every combination of the values given, then print a table of all jobs."""
    from tsconv.config.compose import train_config
    from tsconv.config.overrides import expand_jobs

    jobs = expand_jobs(overrides)
    configs = [train_config(job, config_dir) for job in jobs]
    from tsconv.training.multirun import run_jobs

    result = run_jobs(jobs, configs, notify=_print_note)
    print(result.table)
    _repeat_left_out(result.left_out)
    print(f"results: {result.folder}")
    if result.unfinished:
        own = [o for o in overrides if not o.startswith("run_dir=")]
        where = [] if config_dir is None else ["--config-dir", config_dir]
        again = shlex.join([*where, *own, f"run_dir={result.folder}"])
        raise KeyboardInterrupt(
            f"{len(result.unfinished)} of {len(result.jobs)} jobs are unfinished; "
            f"to go on: tsconv train -m {again}"
        )
    if result.error is not None:
        raise result.error


def sweep_command(overrides: Sequence[str], config_dir: str | None = None) -> None:
    """Search for the best config, then print what became of the trials and the best of them."""
    from tsconv.sweep.finalize import refit, time_line, write_results
    from tsconv.sweep.run import Sweep, run_sweep
    from tsconv.sweep.storage.errors import storage_errors_in_one_line

    sweep = Sweep(overrides, config_dir)
    with storage_errors_in_one_line(sweep.settings.storage):
        try:
            result = run_sweep(sweep, _print_note)
        except KeyboardInterrupt:
            raise KeyboardInterrupt("no trial had begun") from None
        lines, winner = write_results(result, sweep.space)
        print(time_line(result))
    if sweep.settings.refit and winner is not None and not result.interrupted:
        trained_before = refit(result, winner, train_command)
        if trained_before is not None:
            print(f"bundle: {trained_before}")
    _repeat_left_out(result.left_out)
    for line in lines:
        print(line)
    if result.interrupted:
        raise KeyboardInterrupt("the same command goes on with the trials that are left")


def completion_command(overrides: Sequence[str], config_dir: str | None = None) -> None:
    """Print the script that completes commands and keys in a shell."""
    from tsconv.commands.completion import USAGE as how_to
    from tsconv.commands.completion import completion_script

    print(completion_script(overrides[0]) if overrides else how_to, end="")


def _print_note(line: str) -> None:
    """Print a note on standard error, where it does not mix with the results."""
    print(f"note: {line}", file=sys.stderr)


def _repeat_left_out(sentences: Sequence[str]) -> None:
    """Print what was left out of the data once more, below all that has scrolled by since.

    On standard output, since it belongs to the results.
    """
    for sentence in sentences:
        print(f"left out: {sentence}")


COMMANDS: dict[str, Callable[[Sequence[str], str | None], None]] = {
    "check": check_command,
    "train": train_command,
    "forecast": forecast_command,
    "sweep": sweep_command,
    "completion": completion_command,
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code.

    argv: the command's name, options and overrides; None: those of the process.

    >>> main(["--version"])  # doctest: +ELLIPSIS
    tsconv ...
    0
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments[:1] == ["help"] and len(arguments) > 1:  # tsconv help train
        arguments = [arguments[1], "--help", *arguments[2:]]
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(USAGE, end="")
        return 0 if arguments else 2
    if arguments[0] == "--version":
        from tsconv import __version__

        print(f"tsconv {__version__}")
        return 0
    name, rest = arguments[0], arguments[1:]
    if name not in COMMANDS:
        print(
            f"tsconv: unknown command `{name}`{nearest(name, COMMANDS)}\n{USAGE}", file=sys.stderr
        )
        return 2
    if any(a in ("-h", "--help") for a in rest):
        return _exit_code(lambda *_: _print_help(name, rest), [], None)
    config_dir = None
    if "--config-dir" in rest[:-1]:
        at = rest.index("--config-dir")
        config_dir = rest[at + 1]
        del rest[at : at + 2]
    command = COMMANDS[name]
    if name == "train" and any(a in ("-m", "--multirun") for a in rest):
        rest = [a for a in rest if a not in ("-m", "--multirun")]
        command = multirun_command
    options = [a for a in rest if a.startswith("-")]
    if options:
        print(f"tsconv: unknown option `{options[0]}`\n{USAGE}", file=sys.stderr)
        return 2
    if not rest:
        _print_first_screen(name)
        return 2
    return _exit_code(command, rest, config_dir)


def _exit_code(
    command: Callable[[Sequence[str], str | None], None],
    rest: Sequence[str],
    config_dir: str | None,
) -> int:
    """Run the command; a user's fault becomes one line and 1, a bug keeps its traceback."""
    debug = os.environ.get("TSCONV_DEBUG") == "1"
    try:
        command(rest, config_dir)
        sys.stdout.flush()
        return 0
    except BrokenPipeError:  # the reader of the output, such as head, has closed it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt as stop:
        print(f"tsconv: interrupted{': ' if stop.args else ''}{stop}", file=sys.stderr)
        return 130
    except TsconvError as error:
        if debug:
            raise
        print(f"tsconv: {one_line(error)}", file=sys.stderr)
        return 1
    except OSError as error:  # disk full, no permission: the machine's fault, not a bug
        if debug:
            raise
        where = f" ({error.filename})" if error.filename else ""
        print(f"tsconv: {error.strerror or error}{where}", file=sys.stderr)
        return 1


def _print_help(name: str, arguments: Sequence[str]) -> None:
    """Print a command's help, on the topic behind `--help` where there is one."""
    if name == "completion":
        completion_command([])
        return
    from tsconv.commands.help import help_text

    behind = [arguments[i + 1 :] for i, a in enumerate(arguments) if a in ("-h", "--help")][-1]
    print(help_text(name, behind[0] if behind else None))


def _print_first_screen(name: str) -> None:
    """Print what to do first: a command without any key."""
    if name == "completion":
        completion_command([])
        return
    from tsconv.commands.help import first_screen

    print(first_screen(name))


def run_script(name: str) -> None:
    """Run `tsconv <name> ...` with the arguments of the process: what scripts/<name>.py calls."""
    sys.exit(main([Path(name).stem, *sys.argv[1:]]))


if __name__ == "__main__":
    sys.exit(main())
