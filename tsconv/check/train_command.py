"""The `tsconv train` command that fits a file: what the user gave, and what the file needs."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from typing import Any

from tsconv.config.overrides import format_overrides

_PLAIN_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_HYDRA_WORDS = {"null", "true", "false", "nan", "inf", "none", "yes", "no", "on", "off"}
_KEYS_OF_CHECK = {"output"}  # that `tsconv train` does not have


def train_command(
    overrides: Sequence[str], keys: dict[str, Any], config_dir: str | None = None
) -> str:
    """The command for the shell: the given overrides, with those in `keys` in their place.

    data.path comes first and the horizon last; values are quoted for Hydra, then for the shell.

    >>> train_command(["horizon=7", "data.path=my sales.csv"], {"data.id": "shop"})
    "tsconv train 'data.path=my sales.csv' data.id=shop horizon=7"
    """
    given = {o.partition("=")[0].lstrip("+"): o for o in overrides}
    words = [o for k, o in given.items() if k not in keys and k not in _KEYS_OF_CHECK]
    words += [override(k, v) for k, v in keys.items()]
    words.sort(key=_position)
    command = ["tsconv", "train"]
    if config_dir is not None:
        command += ["--config-dir", config_dir]
    return " ".join(_quote_for_shell(w) for w in (*command, *words))


def parse_command(command: str) -> tuple[list[str], str | None]:
    """The overrides and the config folder of a `tsconv train` command, as a shell splits it.

    >>> parse_command("tsconv train --config-dir conf 'data.path=my sales.csv' horizon=7")
    (['data.path=my sales.csv', 'horizon=7'], 'conf')
    """
    words = shlex.split(command)[2:]
    config_dir = None
    if words[:1] == ["--config-dir"]:
        config_dir, words = words[1], words[2:]
    return words, config_dir


def _quote_for_shell(word: str) -> str:
    """Quote a word for the shell, with double quotes where that reads better."""
    if "'" in word and not any(c in word for c in '"$`!\\'):
        return f'"{word}"'
    return shlex.quote(word)


def override(key: str, value: Any) -> str:
    """Write key=value as Hydra reads it, without quotes where none are needed.

    >>> override("data.time", ["year", "month"]), override("data.sep", ";")
    ('data.time=[year,month]', "data.sep=';'")
    """
    if isinstance(value, (list, tuple)) and all(_is_plain(v) for v in value):
        return f"{key}=[{','.join(str(v) for v in value)}]"
    if _is_plain(value):
        return f"{key}={value}"
    return format_overrides({key: value})[0]


def _is_plain(value: Any) -> bool:
    if isinstance(value, bool):
        return False
    if isinstance(value, int):
        return True
    return (
        isinstance(value, str)
        and _PLAIN_WORD.fullmatch(value) is not None
        and value.lower() not in _HYDRA_WORDS
    )


def _position(word: str) -> int:
    """Experiments and the path come first, the horizon last; all else stays in order."""
    key = word.partition("=")[0]
    if key == "experiment" or key == "+experiment":
        return 0
    if key == "data.path":
        return 1
    return 3 if key == "horizon" else 2
