"""The `tsconv train` line that fits a file: what was asked for, and what was found to be needed."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from typing import Any

from tsconv.config.overrides import format_overrides

_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_SPECIAL = {"null", "true", "false", "nan", "inf", "none", "yes", "no", "on", "off"}
_NOT_OF_TRAIN = {"output"}


def train_line(
    overrides: Sequence[str], keys: dict[str, Any], config_dir: str | None = None
) -> str:
    """A line for the shell: the overrides that were given, those in `keys` in their place.

    data.path comes first and the horizon last; values are quoted for Hydra, then for the shell.
    """
    given = {o.partition("=")[0].lstrip("+"): o for o in overrides}
    words = [o for k, o in given.items() if k not in keys and k not in _NOT_OF_TRAIN]
    words += [override(k, v) for k, v in keys.items()]
    words.sort(key=_place)
    command = ["tsconv", "train"]
    if config_dir is not None:
        command += ["--config-dir", config_dir]
    return " ".join(_shell(w) for w in (*command, *words))


def _shell(word: str) -> str:
    """Quoted for the shell, by double quotes where that reads better."""
    if "'" in word and not any(c in word for c in '"$`!\\'):
        return f'"{word}"'
    return shlex.quote(word)


def override(key: str, value: Any) -> str:
    """key=value as Hydra reads it, without quotes where none are needed."""
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
        and _WORD.fullmatch(value) is not None
        and value.lower() not in _SPECIAL
    )


def _place(word: str) -> int:
    """Experiments and the path come first, the horizon last; all else stays in order."""
    key = word.partition("=")[0]
    if key == "experiment" or key == "+experiment":
        return 0
    if key == "data.path":
        return 1
    return 3 if key == "horizon" else 2
