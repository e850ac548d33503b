"""A database that does not answer: retried, reported in one line, its password hidden."""

from __future__ import annotations

import pytest
from optuna.exceptions import StorageInternalError

from tsconv.errors import ConfigError
from tsconv.sweep.storage import errors
from tsconv.sweep.storage.errors import (
    mask_password,
    retry_while_unreachable,
    storage_errors_in_one_line,
)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://u:secret@h/db", "postgresql://u:***@h/db"),
        ("postgresql://u@srv:secret@h/db", "postgresql://u@srv:***@h/db"),
        ("postgresql://u:sec@ret@h/db", "postgresql://u:***@h/db"),
        ("postgresql://h/db?user=u&password=secret&x=1", "postgresql://h/db?user=u&password=***&x=1"),
        ("u:secret@h/db", "u:***@h/db"),
        ("postgresql:/u:secret@h/db", "postgresql:***@h/db"),
        ("postgresql://u@h:5432/db", "postgresql://u@h:5432/db"),
    ],
)  # fmt: skip
def test_a_password_is_never_shown(url: str, shown: str) -> None:
    assert mask_password(url) == shown


def test_a_call_is_repeated_until_the_database_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(errors.time, "sleep", pauses.append)

    def answer_at_last() -> str:
        if len(pauses) < 7:
            raise StorageInternalError("gone")
        return "answer"

    assert retry_while_unreachable(answer_at_last) == "answer"
    assert pauses == [0.5, 1, 2, 4, 8, 15, 15]
    with pytest.raises(ZeroDivisionError):
        retry_while_unreachable(lambda: 1 / 0)


def test_a_call_is_given_up_after_its_time() -> None:
    def fail() -> None:
        raise StorageInternalError("gone")

    with pytest.raises(StorageInternalError):
        retry_while_unreachable(fail, seconds=-1)


def test_a_lost_connection_is_one_line_without_the_password() -> None:
    with (
        pytest.raises(ConfigError) as caught,
        storage_errors_in_one_line("postgresql://me:secret@h/db"),
    ):
        raise StorageInternalError("server closed\nthe connection")
    assert str(caught.value) == (
        "`sweep.storage` (=postgresql://me:***@h/db): server closed the connection"
    )
