"""The site builds without a warning, opens offline, and documents every public name."""

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import tsconv.nn
from tests.helpers.paths import ROOT

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("mkdocs") is None
    or importlib.util.find_spec("mkdocstrings_handlers") is None,
    reason='mkdocs is not installed: pip install "tsconv[docs]"',
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built site; mkdocs is strict, so a broken link or a missing object is an error."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    run = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return folder


def test_every_page_is_built_and_in_the_navigation(site: Path) -> None:
    navigation = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    for path in (ROOT / "docs").rglob("*.md"):
        name = path.relative_to(ROOT / "docs")
        assert (site / name.with_suffix(".html")).exists(), name
        assert re.search(rf"[-:] {re.escape(str(name))}$", navigation, re.MULTILINE), name
    assert not list(site.rglob("*.py"))


def test_nothing_is_loaded_from_the_web(site: Path) -> None:
    loads = re.compile(r"<(?:script|img)[^>]*\ssrc=\"?https?:|<link[^>]*\shref=\"?https?:")
    for path in site.rglob("*.html"):
        assert not loads.search(path.read_text(encoding="utf-8")), path.name


def test_every_public_layer_is_documented(site: Path) -> None:
    text = (site / "api" / "nn.html").read_text(encoding="utf-8")
    interop = (site / "api" / "interop.html").read_text(encoding="utf-8")
    old = {"CrossRow", "interop"}  # an old name, and a page of its own
    for name in set(tsconv.nn.__all__) - old:
        assert f'id="tsconv.nn.{name}"' in text, name
    for name in tsconv.nn.interop.__all__:
        assert re.search(rf'id="tsconv\.nn\.interop\.(\w+\.)?{name}"', interop), name


def test_examples_in_docstrings_are_code(site: Path) -> None:
    for path in (site / "api").glob("*.html"):
        assert "<blockquote>" not in path.read_text(encoding="utf-8"), path.name
