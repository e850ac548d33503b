"""The import graph goes one way, heavy packages stay where they belong."""

import ast
import subprocess
import sys
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1] / "tsconv"

# Each module may import only modules of a lower level, or of its own package folder.
LEVELS = [
    {"errors"},
    {"schema"},
    {"nn", "losses", "baselines"},
    {"metrics", "spec"},
    {"known"},
    {"model"},
    {"data"},
    {"training", "callbacks", "bundle", "speed", "defaults", "backtest"},
    {"align"},
    {"forecast", "report", "fit"},
    {"plots"},
    {"prepare"},
    {"train"},
    {"config"},
    {"sweep", "multirun", "check"},
    {"forecaster", "cli"},
]
LEVEL = {name: i for i, names in enumerate(LEVELS) for name in names}


def room(path: Path) -> str:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return parts[0]


def imported(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def modules() -> list[Path]:
    return [p for p in PACKAGE.rglob("*.py") if "conf" not in p.parts and p.parent.name != "conf"]


def test_imports_go_one_way() -> None:
    wrong = []
    for path in modules():
        here = room(path)
        if here == "__init__":
            continue
        for name in imported(path):
            parts = name.split(".")
            if parts[0] != "tsconv" or len(parts) == 1 or parts[1] not in LEVEL:
                continue
            there = parts[1]
            if there != here and LEVEL[there] >= LEVEL[here]:
                wrong.append(f"{here} imports {there}")
    assert not wrong, sorted(set(wrong))


def test_every_module_has_a_level() -> None:
    rooms = {room(p) for p in modules()} - {"__init__"}
    assert rooms == set(LEVEL), "put a new module in LEVELS"


def test_heavy_packages_stay_in_their_rooms() -> None:
    allowed = {
        "hydra": {"config"},
        "pytorch_lightning": {"training", "callbacks", "fit", "prepare", "data", "sweep"},
        "matplotlib": {"plots", "sweep"},
        "pandas": {"data", "forecast", "forecaster", "check"},
    }
    for path in modules():
        for name in imported(path):
            top = name.split(".")[0]
            if top in allowed:
                assert room(path) in allowed[top], f"{path.name} imports {top}"


def test_only_the_data_module_of_data_needs_lightning() -> None:
    for path in (PACKAGE / "data").glob("*.py"):
        if any(n.startswith("pytorch_lightning") for n in imported(path)):
            assert path.name == "module.py"


def test_forecasting_imports_neither_lightning_nor_matplotlib_nor_hydra_in_the_library() -> None:
    code = (
        "import sys, tsconv.forecast, tsconv.data.read\n"
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
