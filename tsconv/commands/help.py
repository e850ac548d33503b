"""Help: a short page for each command, and every key with the comment that explains it."""

from __future__ import annotations

import dataclasses
import textwrap
from collections.abc import Iterable

from tsconv.config.explanations import Key, Section, option_text, sections
from tsconv.errors import ConfigError, nearest

WIDTH = 100  # columns
_INDENT = 26  # columns in front of an explanation


@dataclasses.dataclass(frozen=True)
class Page:
    """What the short help of a command says; the explanations of the keys come from `conf/`."""

    does: str  # what the command does
    examples: tuple[str, ...]
    keys: tuple[str, ...]  # those that users set first
    first: str  # what to say to somebody who gave no key at all


_COLUMNS = ("data.path", "data.time", "data.id", "data.target")
_TRAINED = "data.path=sales.csv data.time=date data.id=store data.target=sold horizon=28"
PAGES = {
    "check": Page(
        "Report what is in a file, and print the `tsconv train` line that fits it. Trains nothing.",
        ("tsconv check data.path=sales.csv",),
        ("horizon", "output", *_COLUMNS, "data.row", "data.wide_columns_are", "data.freq",
         "data.duplicates", "data.gaps"),
        "`tsconv check` needs a file.",
    ),
    "train": Page(
        "Train a network on a file, score it on the end of each series, and write a run folder.",
        (
            f"tsconv train {_TRAINED}",
            "tsconv train -m seed=0,1 ...            one training for each combination of values",
        ),
        ("horizon", *_COLUMNS, "data.row", "data.future_covariates", "data.categories",
         "data.wide_columns_are", "data.freq", "budget", "split.test_size", "model.hidden",
         "trainer.max_steps", "seed", "run_dir", "resume"),
        "`tsconv train` needs a file, the roles of its columns and a horizon.",
    ),
    "forecast": Page(
        "Forecast every series of a file with a trained bundle, and write a file of forecasts.",
        ("tsconv forecast bundle=runs/first/bundle data.path=sales.csv output=forecast.csv",),
        ("bundle", "data.path", "output", "overwrite", "horizon", "start", "last", "series",
         "columns", "plot", "template", "data.future_path", "shards", "shard", "device"),
        "`tsconv forecast` needs the bundle of a training, and a file.",
    ),
    "backtest": Page(
        "Score a trained bundle at every past origin of a file, beside simple forecasts.",
        ("tsconv backtest bundle=runs/first/bundle data.path=sales.csv report=report.html",),
        ("bundle", "data.path", "start", "last", "stride", "horizon", "series", "forecasts",
         "report", "run_dir", "plots", "device"),
        "`tsconv backtest` needs the bundle of a training, and a file.",
    ),
    "merge": Page(
        "Check the parts of a forecast in shards, and write them as one file.",
        ("tsconv merge output=forecast.csv shards=8",),
        ("output", "shards", "parts", "overwrite"),
        "`tsconv merge` needs the parts of a forecast in shards.",
    ),
    "sweep": Page(
        "Search for the config with the lowest validation error, in many short trainings.",
        (f"tsconv sweep {_TRAINED} sweep.n_trials=50",),
        ("horizon", *_COLUMNS, "sweep.n_trials", "sweep.timeout", "sweep.workers",
         "sweep.objectives", "sweep.sampler", "sweep.storage", "sweep.refit"),
        "`tsconv sweep` needs what `tsconv train` needs: a file, its columns and a horizon.",
    ),
    "runs": Page(
        "List the runs of a folder, the newest first; `clean` removes those that failed.",
        (
            "tsconv runs dir=runs",
            "tsconv runs clean",
        ),
        ("dir", "yes"),
        "`tsconv runs` needs a folder with runs.",
    ),
}  # fmt: skip


def help_text(command: str, topic: str | None = None) -> str:
    """The help of a command: short, or on a topic.

    topic: "all", a group such as "data", or a key such as "data.time"; None: the keys that users
    set first. Raises ConfigError for a topic that the command does not have.

    >>> print(help_text("train", "data.gaps"))
    data.gaps=mask            steps that the file lacks: mask, error, or zero (targets are 0 there)
    """
    found = sections(command)
    if topic is None:
        return _short_help(command, found)
    topic = topic.partition("=")[0]
    if topic == "all":
        return "\n\n".join(_section(section) for section in found)
    keys = {key.name: key for section in found for key in section.keys}
    groups = {section.group: section for section in found if section.group}
    if topic in groups:
        return _section(groups[topic])
    if topic in keys:
        return _entry(keys[topic])
    raise ConfigError(
        f"`tsconv {command}` has no key or group `{topic}`{nearest(topic, [*keys, *groups])}; "
        f"`tsconv {command} --help all` lists every key"
    )


def first_screen(command: str) -> str:
    """What to do first, for somebody who gave a command no key."""
    page = PAGES[command]
    if command == "check":
        steps = [("Name it, and check suggests the rest:", page.examples[0])]
    elif command in ("forecast", "backtest"):
        steps = [
            ("Train first; the last line that `tsconv train` prints is the bundle's path:",
             f"tsconv train {_TRAINED}"),
            (f"Then {command}:", page.examples[0]),
        ]  # fmt: skip
    elif command == "merge":
        steps = [
            ("Forecast in shards first, each by itself, on any machine:",
             f"{PAGES['forecast'].examples[0]} shards=8 shard=0"),
            ("Then merge:", page.examples[0]),
        ]  # fmt: skip
    else:
        steps = [
            ("Look at the file first:", PAGES["check"].examples[0]),
            ("The report ends with the line that trains on it, such as:",
             PAGES["train"].examples[0]),
        ]  # fmt: skip
    if command == "sweep":
        steps.append(("Search with the same keys:", page.examples[0]))
    lines = [page.first]
    for text, example in steps:
        lines += ["", text, _example(example)]
    return "\n".join([*lines, "", f"`tsconv {command} --help` explains the keys."])


def _short_help(command: str, found: Iterable[Section]) -> str:
    page = PAGES[command]
    keys = {key.name: key for section in found for key in section.keys}
    groups = [section.group for section in found if section.group]
    options = {f"tsconv {command} --help all": "every key"}
    if groups:
        named = f", such as {groups[0]}" if len(groups) > 1 else f": {groups[0]}"
        options[f"tsconv {command} --help GROUP"] = f"the keys of a group{named}"
    options |= {
        f"tsconv {command} --help KEY": "one key",
        "--config-dir DIR": "a folder with configs of your own",
    }
    lines = [f"tsconv {command} [--config-dir DIR] key=value ...", "", page.does, ""]
    lines += [_example(example) for example in page.examples]
    lines += ["", "The keys to set first, with their defaults (null: chosen for you, or none):", ""]
    lines += [_entry(keys[name]) for name in page.keys]
    lines += ["", *(f"{option:<31}{text}" for option, text in options.items())]
    return "\n".join(lines)


def _example(line: str) -> str:
    """A command to paste, over several lines where it is too long for one."""
    if len(line) <= WIDTH - 2:
        return f"  {line}"
    wrapped = textwrap.wrap(line, WIDTH - 6, break_long_words=False, break_on_hyphens=False)
    return "  " + " \\\n    ".join(wrapped)


def _section(section: Section) -> str:
    """A heading, the choices of the group, and its keys."""
    title = f"{section.group}: {section.text}" if section.text else section.group
    lines = [title, ""] if section.group else []
    for option in section.options:
        text = option_text(section.group, option)
        text += " (default)" if option == section.option else ""
        lines.append(_row(f"{section.group}={option}", text.strip()))
    return "\n".join([*lines, *(_entry(key) for key in section.keys)])


def _entry(key: Key) -> str:
    """A key with its default and its explanation."""
    return _row(f"{key.name}={'' if key.default == '???' else key.default}", key.text)


def _row(left: str, text: str) -> str:
    """Two columns; an explanation that is too long goes on below."""
    wrapped = textwrap.wrap(text, WIDTH - _INDENT, break_long_words=False, break_on_hyphens=False)
    if len(left) > _INDENT - 2:
        return "\n".join([left, *(" " * _INDENT + line for line in wrapped)])
    lines = [left.ljust(_INDENT) + (wrapped[0] if wrapped else "")]
    return "\n".join([lines[0].rstrip(), *(" " * _INDENT + line for line in wrapped[1:])])
