"""Private names of Optuna: in one module alone, and still meaning what that module says."""

from __future__ import annotations

import ast
from pathlib import Path

import optuna
import pytest
from optuna.trial import TrialState

from tsconv.sweep.storage.optuna_internals import enqueued_params, trial_id

PACKAGE = Path(__file__).resolve().parents[3] / "tsconv"
ADAPTER = PACKAGE / "sweep" / "storage" / "optuna_internals.py"


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")


def private_optuna_names(code: str) -> set[str]:
    """Private modules of Optuna that the code imports, and private attributes of other objects.

    An attribute's owner is not known, so in code that imports Optuna every private attribute
    counts, but for those of `self`, `cls` and `os`. `system_attrs` is internal too, though its
    name has no underscore.
    """
    tree = ast.parse(code)
    modules, attributes = set(), set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            modules |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Attribute) and (
            is_private(node.attr) or node.attr == "system_attrs"
        ):
            owner = node.value.id if isinstance(node.value, ast.Name) else ""
            if owner not in ("self", "cls", "os"):
                attributes.add(node.attr)
    optunas = {name for name in modules if name.split(".")[0] == "optuna"}
    private = {name for name in optunas if any(is_private(part) for part in name.split("."))}
    return private | (attributes if optunas else set())


def test_only_one_module_touches_private_names_of_optuna() -> None:
    found = {
        str(path.relative_to(PACKAGE)): names
        for path in PACKAGE.rglob("*.py")
        if path != ADAPTER and (names := private_optuna_names(path.read_text(encoding="utf-8")))
    }
    assert not found


@pytest.mark.parametrize(
    "code",
    [
        "from optuna.storages.journal._file import BaseJournalFileLock",
        "import optuna.storages._rdb.storage",
        "from optuna import _experimental",
        "import optuna\nstorage = study._storage",
        "import optuna\nnumber = claimed.trial._trial_id",
        "import optuna\nx = optuna._gp",
        "from optuna.trial import FrozenTrial\nparams = trial.system_attrs",
    ],
)
def test_the_scan_sees_private_names(code: str) -> None:
    assert private_optuna_names(code)


def test_the_scan_lets_public_names_and_our_own_pass() -> None:
    assert not private_optuna_names("import optuna\nself._lock = optuna.logging.WARNING")
    assert not private_optuna_names("import other\nother._name")
    assert private_optuna_names(ADAPTER.read_text(encoding="utf-8")) == {
        "optuna.storages.journal._file.BaseJournalFileLock",
        "_trial_id", "_study_id", "_get_stale_trial_ids", "system_attrs",
    }  # fmt: skip


def test_ids_are_those_of_the_storage() -> None:
    storage = optuna.storages.InMemoryStorage()
    optuna.create_study(storage=storage).ask()  # so that ids and numbers differ
    study = optuna.create_study(storage=storage)
    trial = study.ask()
    assert trial.number == 0
    assert trial_id(trial) == trial_id(study.trials[0]) != 0
    assert storage.get_trial(trial_id(trial)).number == 0


def test_enqueued_params_are_seen_before_and_after_the_trial_runs() -> None:
    study = optuna.create_study()
    study.enqueue_trial({"x": 1})
    assert study.trials[0].state == TrialState.WAITING
    assert enqueued_params(study.trials[0]) == {"x": 1}
    study.ask().suggest_int("x", 0, 3)
    assert enqueued_params(study.trials[0]) == {"x": 1}
    drawn = study.ask()
    drawn.suggest_int("x", 0, 3)
    assert enqueued_params(study.trials[1]) == drawn.params
