"""The commands: `tsconv train|forecast|backtest|...`, each followed by Hydra overrides.

Exit codes: 0 done; 1 the input or the config is at fault, with one line that says what to change
(TSCONV_DEBUG=1 shows the traceback); 2 usage; 75 ended by SIGTERM, to be started again; 130 Ctrl-C.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from tsconv.commands.bundle_command import bundle_command
from tsconv.commands.printing import remark
from tsconv.commands.ranks import run_on_ranks
from tsconv.commands.run_commands import (
    backtest_command,
    check_command,
    completion_command,
    forecast_command,
    merge_command,
    multirun_command,
    sweep_command,
    train_command,
)
from tsconv.commands.runs_command import runs_command
from tsconv.commands.wait_policy import sleep_while_waiting
from tsconv.errors import TsconvError, disk_fault, nearest, one_line
from tsconv.termination import EXIT_CODE as TERMINATED
from tsconv.termination import Termination

USAGE = """\
usage: tsconv COMMAND [--config-dir DIR] [key=value ...]

commands:
  check       look at a file first:   tsconv check data.path=sales.csv
  train       fit a network:          tsconv train data.path=sales.csv horizon=28
              several in turn:        tsconv train -m model.hidden=32,64 seed=0,1,2 ...
  forecast    use a trained bundle:   tsconv forecast bundle=runs/.../bundle data.path=sales.csv
  backtest    how far off it was:     tsconv backtest bundle=runs/.../bundle data.path=sales.csv
  merge       shards to one file:     tsconv merge output=forecast.csv shards=8
  sweep       search for a config:    tsconv sweep data.path=sales.csv horizon=28 sweep.n_trials=50
  runs        what became of them:    tsconv runs
  bundle      what a bundle holds:    tsconv bundle inspect runs/...
  completion  for your shell:         tsconv completion bash

`tsconv COMMAND --help` explains the keys to set first, `--help all` every key.
`tsconv --version` prints the version.
"""


COMMANDS: dict[str, Callable[[Sequence[str], str | None], None]] = {
    "check": check_command,
    "train": train_command,
    "forecast": forecast_command,
    "backtest": backtest_command,
    "merge": merge_command,
    "sweep": sweep_command,
    "runs": runs_command,
    "bundle": bundle_command,
    "completion": completion_command,
}
# Commands that take words instead of keys; without any, each prints how it is used.
_WITHOUT_KEYS = ("bundle", "completion")
_NEED_NO_KEY = ("runs",)  # commands that do something without any key


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
    if not rest and name not in _NEED_NO_KEY:
        _print_first_screen(name)
        return 2
    sleep_while_waiting()
    return run_on_ranks(name, lambda: _exit_code(command, rest, config_dir))


def _exit_code(
    command: Callable[[Sequence[str], str | None], None],
    rest: Sequence[str],
    config_dir: str | None,
) -> int:
    """Run the command; a user's fault becomes one line and 1, a bug keeps its traceback."""
    debug = os.environ.get("TSCONV_DEBUG") == "1"
    termination = Termination()
    try:
        with termination.listen():
            command(rest, config_dir)
        sys.stdout.flush()
        return 0
    except BrokenPipeError:  # the reader of the output, such as head, has closed it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt as stop:
        how = "ended by SIGTERM" if termination.came else "interrupted"
        remark(f"tsconv: {how}{': ' if stop.args else ''}{stop}")
        return TERMINATED if termination.came else 130
    except TsconvError as error:
        if debug:
            raise
        remark(f"tsconv: {one_line(error)}")
        return 1
    except OSError as error:  # disk full, no permission: the machine's fault, not a bug
        if debug:
            raise
        remark(f"tsconv: {disk_fault(error)}")
        return 1


def _print_help(name: str, arguments: Sequence[str]) -> None:
    """Print a command's help, on the topic behind `--help` where there is one."""
    if name in _WITHOUT_KEYS:
        COMMANDS[name]([], None)
        return
    from tsconv.commands.help import help_text

    behind = [arguments[i + 1 :] for i, a in enumerate(arguments) if a in ("-h", "--help")][-1]
    print(help_text(name, behind[0] if behind else None))


def _print_first_screen(name: str) -> None:
    """Print what to do first: a command without any key."""
    if name in _WITHOUT_KEYS:
        COMMANDS[name]([], None)
        return
    from tsconv.commands.help import first_screen

    print(first_screen(name))


def run_script(name: str) -> None:
    """Run `tsconv <name> ...` with the arguments of the process: what scripts/<name>.py calls."""
    sys.exit(main([Path(name).stem, *sys.argv[1:]]))


def run_main(command: Callable[[Sequence[str]], None]) -> None:
    """Run a function on the arguments of the process, and exit as the commands do."""
    sys.exit(_exit_code(lambda rest, _: command(rest), sys.argv[1:], None))


if __name__ == "__main__":
    sys.exit(main())
