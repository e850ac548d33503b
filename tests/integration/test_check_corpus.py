"""The real `tsconv check` on a corpus of files: its line reads the truth, or it says why not."""

import functools
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.corpus import CASES
from tests.helpers.corpus.case import Case
from tests.helpers.corpus.verify import try_case
from tsconv.config import compose as composing

_NUMBERED = list(enumerate(CASES.values()))
_TRAINED = 15  # one in so many is trained on


_bare_config = functools.cache(composing.compose)


@pytest.fixture(autouse=True)
def bare_configs_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compose a config without overrides once for all cases: it takes much of their time."""
    compose = composing.compose

    def cached(name: str, *args: Any, **kwargs: Any) -> Any:
        return compose(name, *args, **kwargs) if args or kwargs else _bare_config(name)

    monkeypatch.setattr(composing, "compose", cached)


@pytest.mark.parametrize(
    ("number", "case"),
    [
        pytest.param(n, case, id=case.name, marks=[pytest.mark.slow] if case.plain else [])
        for n, case in _NUMBERED
    ],
)
def test_the_last_line_reads_the_truth(number: int, case: Case, tmp_path: Path) -> None:
    outcome = try_case(case, tmp_path, train=number % _TRAINED == 0)
    assert outcome.right, outcome.what


@pytest.mark.parametrize("name", ["shop_sales_by_month", "local_hours_over_autumn"])
def test_files_are_the_same_each_time(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    for folder in (tmp_path / "first", tmp_path / "second"):
        folder.mkdir()
        case.write(folder)
    first, second = ((tmp_path / f / case.path).read_bytes() for f in ("first", "second"))
    assert first == second
