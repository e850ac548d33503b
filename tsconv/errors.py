"""The errors that users meet: one line each, saying what to change. Standard library only."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

_LARGEST = 2**62  # what the sizes of a tensor can hold


class TsconvError(Exception):
    """A fault in what the user gave us; the commands print it as one line and exit with 1."""


class DataError(TsconvError):
    """The data cannot be used as they are: names file, row, column and value."""


class ConfigError(TsconvError):
    """A configuration key or an argument is wrong: names the key, its value and what would do."""


class BundleError(TsconvError):
    """A bundle cannot be read: names the folder and what is missing from it."""


class TrainingError(TsconvError):
    """Training cannot go on: names the step and the cause."""


def one_line(error: BaseException) -> str:
    """What an error says, in one line; one that is not ours is named by its type."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if isinstance(error, TsconvError) else f"{type(error).__name__}: {text}"[:500]


def nearest(name: str, known: Iterable[str]) -> str:
    """Return " (did you mean `x`?)" for the known name closest to `name`, or "" where none is."""
    found = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f" (did you mean `{found[0]}`?)" if found else ""


def require_choice(key: str, value: object, choices: Iterable[str]) -> None:
    """Raise ConfigError unless value is one of the choices, naming them and the nearest."""
    choices = list(choices)
    if value not in choices:
        raise ConfigError(
            f"`{key}` (={value}) must be one of {', '.join(choices)}{nearest(str(value), choices)}"
        )


def require_positive(**sizes: object) -> None:
    """Raise ConfigError unless every named size is an integer of at least 1.

    Examples:
        >>> require_positive(kernel_size=3, stride=1)
        >>> require_positive(kernel_size=0)
        Traceback (most recent call last):
            ...
        tsconv.errors.ConfigError: `kernel_size` (=0) must be an integer of at least 1
    """
    for name, value in sizes.items():
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value < _LARGEST:
            raise ConfigError(f"`{name}` (={value}) must be an integer of at least 1")
