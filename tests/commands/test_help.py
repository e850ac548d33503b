"""Help: two screens for each command, every key on request, a first screen for no key at all."""

import re
import shlex
import subprocess
from collections.abc import Callable

import pytest

from tsconv.commands.help import PAGES, WIDTH, first_screen, help_text
from tsconv.config.compose import (
    backtest_config,
    check_plan,
    forecast_config,
    merge_config,
    runs_config,
    sweep_plan,
    train_config,
)
from tsconv.config.explanations import sections
from tsconv.errors import ConfigError

Run = Callable[..., "subprocess.CompletedProcess[str]"]
EVERY_COMMAND = pytest.mark.parametrize("command", PAGES)
NEEDS_KEYS = pytest.mark.parametrize("command", [name for name in PAGES if name != "runs"])
COMPOSE = {
    "check": check_plan,
    "train": train_config,
    "forecast": forecast_config,
    "backtest": backtest_config,
    "merge": merge_config,
    "sweep": sweep_plan,
    "runs": lambda words: runs_config([word for word in words if word != "clean"]),
}


@EVERY_COMMAND
def test_help_fits_two_screens_and_explains_the_first_keys(command: str, tsconv_here: Run) -> None:
    done = tsconv_here(command, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert len(lines) <= 48
    assert max(map(len, lines)) <= WIDTH
    texts = {key.name: key.text for section in sections(command) for key in section.keys}
    flat = " ".join(done.stdout.split())
    for key in PAGES[command].keys:
        assert f"\n{key}=" in done.stdout
        assert texts[key] in flat


def example_lines(text: str) -> list[list[str]]:
    """The commands in a text that can be pasted, as words."""
    joined = text.replace("\\\n", " ")
    lines = [line.strip() for line in joined.splitlines() if line.startswith("  tsconv ")]
    return [shlex.split(line) for line in lines if "..." not in line]


@EVERY_COMMAND
def test_the_examples_compose(command: str) -> None:
    found = example_lines(help_text(command)) + example_lines(first_screen(command))
    assert len(found) >= 2
    for _, name, *overrides in found:
        COMPOSE[name](overrides)


@EVERY_COMMAND
def test_help_all_lists_every_key(command: str, tsconv_here: Run) -> None:
    text = tsconv_here(command, "--help", "all").stdout
    listed = re.findall(r"^([a-z_]+(?:\.[a-z_]+)?)=", text, re.MULTILINE)
    assert {key.name for section in sections(command) for key in section.keys} <= set(listed)
    assert max(map(len, text.splitlines())) <= WIDTH


def test_help_on_a_group_and_on_a_key() -> None:
    group = help_text("train", "model")
    assert group.startswith("model: the network\n\nmodel=linear")
    assert "model.hidden=null" in group
    assert "data." not in group
    assert help_text("train", "data.gaps=zero") == help_text("train", "data.gaps")
    with pytest.raises(ConfigError, match=r"did you mean `data.time`.*--help all"):
        help_text("train", "data.tme")


def test_help_may_stand_first_and_behind_keys(tsconv_here: Run) -> None:
    short = tsconv_here("train", "--help").stdout
    assert tsconv_here("help", "train").stdout == short
    assert tsconv_here("train", "data.path=sales.csv", "-h").stdout == short
    assert tsconv_here("help", "train", "seed").stdout == help_text("train", "seed") + "\n"
    assert tsconv_here("train", "--help", "sed").returncode == 1


@NEEDS_KEYS
def test_a_command_without_keys_says_what_to_do_first(command: str, tsconv_here: Run) -> None:
    done = tsconv_here(command)
    assert (done.returncode, done.stderr) == (2, "")
    assert f"`tsconv {command}` needs" in done.stdout
    assert f"`tsconv {command} --help` explains the keys." in done.stdout
    assert len(done.stdout.splitlines()) <= 24


def test_training_begins_with_a_check(tsconv_here: Run) -> None:
    words = [line[1] for line in example_lines(tsconv_here("train").stdout)]
    assert words == ["check", "train"]
