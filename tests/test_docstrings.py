"""Docstrings: every public name says what it is in one sentence, and every example runs."""

import ast
import doctest
import importlib
import inspect
import re
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.paths import ROOT

PACKAGE = ROOT / "tsconv"
PUBLIC_PACKAGES = ("tsconv", "tsconv.nn", "tsconv.nn.functional", "tsconv.nn.interop")
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE

# Still to be written; no name is added here.
WITHOUT_A_SENTENCE = {
    "output.plots.figure_grid", "output.plots.finish",
}  # fmt: skip
WITHOUT_AN_EXAMPLE = {"ForecastNet", "TsconvError"}


def modules() -> dict[str, Path]:
    """Every module of the package, by its dotted name."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        if parts[1] != "conf":
            found[".".join(p for p in parts if p != "__init__")] = path
    return found


def with_examples() -> list[str]:
    """Modules that show examples; the others are not imported."""
    return [name for name, path in modules().items() if ">>>" in path.read_text(encoding="utf-8")]


def public_definitions(path: Path) -> list[ast.FunctionDef | ast.ClassDef]:
    """Public functions and classes of a module, without importing it."""
    body = ast.parse(path.read_text(encoding="utf-8")).body
    kinds = (ast.FunctionDef, ast.ClassDef)
    return [n for n in body if isinstance(n, kinds) and not n.name.startswith("_")]


def fault(docstring: str | None) -> str | None:
    """What is wrong with a docstring's first line: it is to be one sentence with a period."""
    if not docstring:
        return "has no docstring"
    first = docstring.splitlines()[0]
    if not first.endswith("."):
        return f"does not end its first line with a period: {first!r}"
    if re.search(r"[.!?] [A-Z`]", re.sub(r"\b(e\.g|i\.e|et al|cf|vs)\. ", "", first)):
        return f"begins with more than one sentence: {first!r}"
    return None


def public(package: str) -> dict[str, Any]:
    """The functions and classes that a package names in `__all__`."""
    home = importlib.import_module(package)
    found = {name: getattr(home, name) for name in home.__all__}
    return {name: value for name, value in found.items() if callable(value)}


@pytest.mark.parametrize("name", with_examples())
def test_examples_run(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # whatever an example writes
    report: list[str] = []
    runner = doctest.DocTestRunner(optionflags=FLAGS)
    for test in doctest.DocTestFinder().find(importlib.import_module(name)):
        runner.run(test, out=report.append)
    assert not runner.failures, "".join(report)
    assert runner.tries, "no example was found in it"


def test_no_example_is_skipped() -> None:
    skipping = [n for n, p in modules().items() if "+SKIP" in p.read_text(encoding="utf-8")]
    assert not skipping


def test_every_public_function_and_class_begins_with_one_sentence() -> None:
    faults = {
        f"{module}.{node.name} {wrong}"
        for module, path in modules().items()
        for node in public_definitions(path)
        if (wrong := fault(ast.get_docstring(node)))
    }
    named = {text.split(" ")[0].removeprefix("tsconv.") for text in faults}
    assert named <= WITHOUT_A_SENTENCE, "\n".join(sorted(faults))


def test_every_module_begins_with_a_docstring() -> None:
    missing = [
        name
        for name, path in modules().items()
        if not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert not missing


@pytest.mark.parametrize("package", PUBLIC_PACKAGES)
def test_every_public_name_shows_an_example(package: str) -> None:
    bare = {name for name, found in public(package).items() if ">>>" not in (found.__doc__ or "")}
    assert bare <= WITHOUT_AN_EXAMPLE


@pytest.mark.parametrize("package", PUBLIC_PACKAGES)
def test_documented_arguments_are_those_of_the_signature(package: str) -> None:
    """The entries under `Args:`, in their order."""
    for name, found in public(package).items():
        text = inspect.cleandoc(found.__doc__ or "")
        if "Args:\n" in text:
            entries = text.split("Args:\n")[1].split("\n\n")[0].splitlines()
            documented = [e.split(":")[0].strip(" *") for e in entries if e[4:5] not in ("", " ")]
            assert documented == list(inspect.signature(found).parameters), name
