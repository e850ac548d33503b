"""Shell completion: real bash completes commands, keys, choices and files."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tsconv.commands.completion import SHELLS, candidates, completion_script
from tsconv.config.compose import known_keys

Run = Callable[..., "subprocess.CompletedProcess[str]"]
# As bash calls a completion: words are split at `=` too.
DRIVER = """
COMP_LINE="$1"; COMP_POINT=${#1}; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
_tsconv 2> /dev/null
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["tsconv", "tr"], ["train"]),
        (["tsconv", "comp"], ["completion"]),
        (["tsconv", "train", "hor"], ["horizon="]),
        (["tsconv", "train", "head", "=", "p"], ["point", "poisson"]),
        (["tsconv", "train", "head", "=", "q"], ["quantile"]),
        (["tsconv", "forecast", "bun"], ["bundle="]),
        (["tsconv", "train", "data.path", "=", "sal"], ["sales.csv"]),
        (["tsconv", "sweep", "sweep.n_t"], ["sweep.n_trials="]),
        (["tsconv", "completion", "f"], ["fish"]),
        (["tsconv", "train", "--he"], ["--help"]),
    ],
)
def test_bash_completes(words: list[str], expected: list[str], tmp_path: Path) -> None:
    (tmp_path / "sales.csv").touch()
    line = " ".join(words).replace(" = ", "=").replace(" =", "=")
    script = completion_script("bash") + DRIVER
    done = subprocess.run(
        ["bash", "-c", script, "bash", line, *words],
        cwd=tmp_path, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.split() == expected


@pytest.mark.parametrize("command", ["check", "train", "forecast", "sweep"])
def test_every_key_is_offered(command: str) -> None:
    keys = {key for key in known_keys(command) if not key.startswith("search_space.")}
    offered = candidates(command)
    assert {word.removesuffix("=") for word in offered if word.endswith("=")} == keys
    for shell in SHELLS:
        assert set(offered) <= set(
            completion_script(shell).replace('"', " ").replace("'", " ").replace("(", " ")
            .replace(")", " ").split()
        )  # fmt: skip


@pytest.mark.parametrize("shell", SHELLS)
def test_the_command_prints_the_script(shell: str, tsconv_here: Run) -> None:
    done = tsconv_here("completion", shell)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == completion_script(shell)
    if shutil.which(shell):
        subprocess.run([shell, "-n"], input=done.stdout, text=True, check=True)


def test_without_a_shell_the_command_says_where_the_script_goes(tsconv_here: Run) -> None:
    done = tsconv_here("completion")
    assert done.returncode == 2
    for shell in SHELLS:
        assert f"tsconv completion {shell}" in done.stdout
    assert tsconv_here("completion", "--help").stdout == done.stdout
    wrong = tsconv_here("completion", "bsh")
    assert wrong.returncode == 1
    assert "did you mean `bash`" in wrong.stderr
