"""Suggestion: config keys under which a file can be read, each with its reason."""

from __future__ import annotations

import dataclasses
from typing import Any

from tsconv.config.schema import DataConfig


@dataclasses.dataclass(frozen=True)
class Suggestion:
    """Keys of the config with the reason for each; suggestions join with `|`.

    >>> both = Suggestion.of("data.sep", ";", "all lines have it") | NO_SUGGESTION
    >>> both.keys, bool(both), bool(NO_SUGGESTION)
    ({'data.sep': ';'}, True, False)
    """

    keys: dict[str, Any] = dataclasses.field(default_factory=dict)
    reasons: dict[str, str] = dataclasses.field(default_factory=dict)

    @classmethod
    def of(cls, key: str, value: Any, reason: str) -> Suggestion:
        """A suggestion of one key."""
        return cls({key: value}, {key: reason})

    def __or__(self, other: Suggestion) -> Suggestion:
        return Suggestion(self.keys | other.keys, self.reasons | other.reasons)

    def __bool__(self) -> bool:
        return bool(self.keys)

    def applied_to(self, data: DataConfig) -> DataConfig:
        """The `data` part of a config with these keys set."""
        values = {key.removeprefix("data."): value for key, value in self.keys.items()}
        return dataclasses.replace(data, **values)


NO_SUGGESTION = Suggestion()
