"""The import graph goes one way, heavy packages stay where they belong."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent
PACKAGE = TESTS.parent / "tsconv"

# A module imports from its own package and from those before it in this order, never from a later
# one. The same holds within `data`, whose rooms have an order of their own.
ORDER = (
    "text",
    "errors",
    "notes",
    "termination",
    "atomic_write",
    "available_memory",
    "config",
    "nn",
    "model",
    "data",
    "distributed",
    "calibration",
    "evaluation",
    "forecasting",
    "output",
    "runs",
    "ridge",
    "training",
    "race",
    "backtest",
    "report",
    "sweep",
    "ray_jobs",
    "check",
    "frames",
    "summary",
    "forecaster",
    "commands",
    "cli",
)
DATA_ORDER = ("timestamps", "reading", "panel", "cache", "seasons", "covariates", "batches")
NN_ORDER = (
    "_checks",
    "functional",
    "init",
    "scaling",
    "factored",
    "conv",
    "separable",
    "rows",
    "rowwise",
    "row_mixing",
    "block",
    "tcn",
    "distributions",
    "heads",
    "interop",
)


def modules() -> list[Path]:
    """Every module of the package; `conf` lies beside them in an installed one."""
    return [p for p in PACKAGE.rglob("*.py") if p.relative_to(PACKAGE).parts[0] != "conf"]


def room(path: Path) -> tuple[str, ...]:
    """Where a module stands: ("data", "panel", "grid")."""
    return path.relative_to(PACKAGE).with_suffix("").parts


def imported(path: Path) -> set[str]:
    """Dotted names of all that a module imports, wherever in it."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def imports_against(order: tuple[str, ...], depth: int, inside: tuple[str, ...] = ()) -> list[str]:
    """Imports of a later room by an earlier one; rooms are the names at this depth."""
    wrong = set()
    for path in modules():
        here = room(path)
        if here[:depth] != inside or here[depth] not in order:
            continue
        for name in imported(path):
            there = tuple(name.split(".")[1:])
            if not name.startswith("tsconv.") or there[:depth] != inside or len(there) <= depth:
                continue
            if there[depth] in order and order.index(there[depth]) > order.index(here[depth]):
                wrong.add(f"{'.'.join(here)} imports {name}")
    return sorted(wrong)


def test_packages_import_only_what_stands_before_them() -> None:
    assert not imports_against(ORDER, 0)


def test_rooms_of_data_import_only_what_stands_before_them() -> None:
    assert not imports_against(DATA_ORDER, 1, ("data",))


def test_layers_import_only_what_stands_before_them() -> None:
    assert not imports_against(NN_ORDER, 1, ("nn",))
    assert {room(p)[1] for p in modules() if room(p)[0] == "nn"} - {"__init__"} == set(NN_ORDER)


def test_every_module_has_its_place_in_the_order() -> None:
    assert {room(p)[0] for p in modules()} - {"__init__"} == set(ORDER)
    rooms = {room(p)[1] for p in modules() if room(p)[0] == "data" and len(room(p)) > 2}
    assert rooms == set(DATA_ORDER)


def test_a_folder_holds_at_most_a_dozen_modules() -> None:
    counts: dict[str, int] = {}
    for path in modules():
        if path.name != "__init__.py":
            folder = str(path.parent.relative_to(PACKAGE))
            counts[folder] = counts.get(folder, 0) + 1
    assert max(counts.values()) <= 12, counts


def test_no_test_module_imports_another() -> None:
    """What tests share is in tests/helpers; fixtures of all tests are in tests/conftest.py."""
    wrong = {
        f"{path.relative_to(TESTS)} imports {name}"
        for path in TESTS.rglob("*.py")
        for name in imported(path)
        if name.split(".")[0] == "tests" and name.split(".")[1:2] != ["helpers"]
    }
    assert not wrong


def test_folders_of_tests_are_those_of_the_package() -> None:
    """Beside them: documents, the whole, laws for any input, old bundles, faults of machines."""
    folders = {p.parent.relative_to(TESTS) for p in TESTS.rglob("test_*.py")}
    others = {Path(n) for n in ("docs", "integration", "property", "golden", "faults")}
    assert not {f for f in folders - others if not (PACKAGE / f / "__init__.py").is_file()}


# Where each heavy package may be imported.
HEAVY = {
    "hydra": ("config/compose.py", "config/overrides.py", "config/yaml_files.py"),
    "pytorch_lightning": (
        "training", "data/batches/data_module.py", "sweep/trial.py", "race/candidate.py",
    ),
    "matplotlib": ("output/plots.py", "output/time_axis.py", "sweep/results"),
    "pandas": ("data", "forecasting", "backtest", "frames.py", "check"),
    "narwhals": ("frames.py",),
}  # fmt: skip


@pytest.mark.parametrize("package", HEAVY)
def test_heavy_packages_stay_in_their_rooms(package: str) -> None:
    for path in modules():
        place = path.relative_to(PACKAGE)
        allowed = any(place.is_relative_to(room) for room in HEAVY[package])
        found = any(name.split(".")[0] == package for name in imported(path))
        assert allowed or not found, f"{place} imports {package}"


def test_forecasting_imports_neither_lightning_nor_matplotlib_nor_hydra_in_the_library() -> None:
    code = (
        "import sys, tsconv.forecasting.run, tsconv.data.reading.read, tsconv.output.bundle_text\n"
        "heavy = {'pytorch_lightning', 'matplotlib', 'hydra'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_importing_the_package_costs_nothing() -> None:
    code = "import sys, tsconv\nassert 'torch' not in sys.modules and 'pandas' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_layers_do_not_import_the_compiler() -> None:
    code = "import sys, tsconv.nn\nassert 'torch._dynamo' not in sys.modules"  # it takes a second
    subprocess.run([sys.executable, "-c", code], check=True)
