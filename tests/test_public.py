"""What `import tsconv` offers: the names of `__all__`, each of them there, in its documentation."""

import re

import pytest

import tsconv
from tests.helpers.paths import ROOT


def test_dir_and_all_show_the_public_names() -> None:
    assert dir(tsconv) == sorted(tsconv.__all__)
    for name in tsconv.__all__:
        assert getattr(tsconv, name) is not None
    with pytest.raises(AttributeError, match="module 'tsconv' has no attribute 'Forcaster'"):
        _ = tsconv.Forcaster


def test_public_classes_open_with_a_sentence() -> None:
    for name in set(tsconv.__all__) - {"__version__"}:
        documentation = getattr(tsconv, name).__doc__ or ""
        assert re.match(r"[A-Z][^\n]*[.:]", documentation), name


def test_the_version_is_written_once() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert 'dynamic = ["version"]' in text
    assert f'"{tsconv.__version__}"' not in text
    files = [p for p in (ROOT / "tsconv").rglob("*.py") if tsconv.__version__ in p.read_text()]
    assert files == [ROOT / "tsconv" / "__init__.py"]
