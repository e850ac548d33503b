"""What the layers' documentation promises: each public name has an example, and examples run."""

import doctest
import importlib
import inspect
import pkgutil

import pytest

import tsconv.nn
from tsconv.nn import functional, interop

MODULES = [
    "tsconv.nn",
    *(m.name for m in pkgutil.walk_packages(tsconv.nn.__path__, prefix="tsconv.nn.")),
]
PUBLIC = {
    name: getattr(package, name)
    for package in (tsconv.nn, functional, interop)
    for name in package.__all__
    if not inspect.ismodule(getattr(package, name))
}


@pytest.mark.parametrize("module", MODULES)
def test_examples_run(module: str) -> None:
    assert doctest.testmod(importlib.import_module(module)).failed == 0


@pytest.mark.parametrize("name", PUBLIC)
def test_a_public_name_opens_with_a_sentence_and_has_an_example(name: str) -> None:
    text = inspect.cleandoc(PUBLIC[name].__doc__ or "")
    assert text.split("\n\n")[0].endswith("."), text
    assert ">>>" in text, f"tsconv.nn's {name} has no example"


@pytest.mark.parametrize("name", PUBLIC)
def test_documented_arguments_exist(name: str) -> None:
    """The entries under `Args:` are those of the signature, in their order."""
    text = inspect.cleandoc(PUBLIC[name].__doc__ or "")
    if "Args:\n" not in text:
        return
    entries = text.split("Args:\n")[1].split("\n\n")[0].splitlines()
    documented = [e.split(":")[0].strip(" *") for e in entries if e[4:5] not in ("", " ")]
    parameters = inspect.signature(PUBLIC[name]).parameters
    assert documented == list(parameters)
