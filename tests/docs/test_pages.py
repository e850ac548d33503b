"""What the pages say exists: links, commands, config keys, modules, names, files."""

import ast
import importlib
import re
import typing
from dataclasses import fields, is_dataclass
from pathlib import Path

import pytest

import tsconv
from tests.helpers.frames import daily_frame
from tests.helpers.pages import PAGES, Page, page
from tests.helpers.paths import ROOT
from tsconv import cli
from tsconv.config.compose import (
    backtest_config,
    check_plan,
    forecast_config,
    merge_config,
    runs_config,
    sweep_plan,
    train_config,
)
from tsconv.config.overrides import expand_jobs
from tsconv.config.schema import SweepConfig, TrainConfig

EVERY_PAGE = pytest.mark.parametrize("path", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
GROUPS: dict[str, set[str]] = {
    name: {f.name for f in fields(kind)}
    for name, kind in {**typing.get_type_hints(TrainConfig), "sweep": SweepConfig}.items()
    if is_dataclass(kind)
}
NO_KEYS = {"model.safetensors"}  # looks like a key


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 150


@EVERY_PAGE
def test_links_lead_somewhere(path: Path) -> None:
    for link in page(path).links():
        target, _, fragment = link.partition("#")
        there = (path.parent / target).resolve() if target else path
        assert there.exists(), f"{link} leads nowhere"
        if fragment:
            assert fragment in page(there).anchors(), f"{link}: no such heading"


@EVERY_PAGE
def test_commands_and_their_keys_exist(path: Path, tmp_path: Path) -> None:
    for _, *words in page(path).commands():
        assert words[0] in (*cli.COMMANDS, "--version"), f"tsconv {words[0]} is not a command"
        if any("=" in word for word in words):
            compose(words[0], words[1:], tmp_path)


def compose(command: str, words: list[str], folder: Path) -> None:
    """Compose a command's config: raises ConfigError for an unknown key or group."""
    config_dir = None
    if "--config-dir" in words:  # a folder of the reader, with an experiment
        at = words.index("--config-dir")
        del words[at : at + 2]
        (folder / "experiment").mkdir(exist_ok=True)
        for name in ("best", "shop"):
            text = "# @package _global_\nhorizon: 28\n"
            (folder / "experiment" / f"{name}.yaml").write_text(text, encoding="utf-8")
        config_dir = str(folder)
    jobs = expand_jobs([w for w in words if w != "-m"]) if "-m" in words else [words]
    for job in jobs:
        if command == "check":
            report = [f"output={folder}/report.json" if w.startswith("output=") else w for w in job]
            check_plan(report, config_dir)
        elif command == "forecast":
            forecast_config(job, config_dir)
        elif command == "backtest":
            backtest_config(job, config_dir)
        elif command == "merge":
            merge_config(job, config_dir)
        elif command == "runs":
            runs_config([w for w in job if w != "clean"], config_dir)
        else:
            known = any(w.startswith(("horizon=", "experiment=", "+experiment=")) for w in job)
            job = job if known else [*job, "horizon=1"]
            {"train": train_config, "sweep": sweep_plan}[command](job, config_dir)


@EVERY_PAGE
def test_config_keys_in_the_text_exist(path: Path) -> None:
    for span in page(path).inline():
        for group, key in re.findall(r"(?<![\w./])([a-z_]+)\.([a-z_]+)(?![\w/(])", span):
            if group in GROUPS and f"{group}.{key}" not in NO_KEYS:
                assert key in GROUPS[group], f"`{group}.{key}` is not a key"


@EVERY_PAGE
def test_experiments_exist(path: Path) -> None:
    named = set(re.findall(r"(?<!\+)experiment=(\w+)", page(path).text))
    assert named <= {p.stem for p in (ROOT / "conf" / "experiment").glob("*.yaml")}


@EVERY_PAGE
def test_modules_and_files_exist(path: Path) -> None:
    text = page(path).text
    for name in re.findall(r"(?<![\w./])tsconv(?:/\w+)+(?:\.py|\.md|/)", text):
        assert (ROOT / name).exists(), name
    for span in [*page(path).inline(), *page(path).blocks("bash")]:
        for name in re.findall(r"(?<![\w./])(?:scripts|docs|conf|tests|data)/[\w./-]+", span):
            assert (ROOT / name).exists(), name


@EVERY_PAGE
def test_dotted_names_exist(path: Path) -> None:
    for name in re.findall(r"(?<![\w/.\"])tsconv(?:\.[A-Za-z_]\w*)+", page(path).text):
        if not name.endswith(".md"):
            assert_importable(name)


def assert_importable(name: str) -> None:
    """A module, or a name in one."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        module = ROOT.joinpath(*parts[:length])
        if module.is_dir() or module.with_suffix(".py").exists():
            value: object = importlib.import_module(".".join(parts[:length]))
            for attribute in parts[length:]:
                assert hasattr(value, attribute), name
                value = getattr(value, attribute)
            return
    raise AssertionError(name)


@EVERY_PAGE
def test_names_stand_in_the_modules_that_pages_give_for_them(path: Path) -> None:
    """`name` in `module`, `module` (`name`), and lines of tables with a module."""
    here = page(path)
    module = r"`(tsconv/[\w/]+\.py)`"
    pairs = re.findall(rf"`(\w+)`(?: in| of)\s+{module}", here.prose)
    pairs += [(name, file) for file, name in re.findall(rf"{module} \(`(\w+)`", here.prose)]
    for name, file in pairs:
        assert contains(file, name), f"{name} is not in {file}"
    for line in here.prose.splitlines():
        files = re.findall(module, line)
        if line.startswith("|") and files:
            for name in re.findall(r"`([A-Za-z_]\w+)`", line):
                assert any(contains(file, name) for file in files), f"{name} is not in {files}"


def contains(file: str, name: str) -> bool:
    """Whether a module has a name as a word."""
    return bool(re.search(rf"\b{name}\b", (ROOT / file).read_text(encoding="utf-8")))


def test_the_packages_are_listed_in_the_order_of_their_imports() -> None:
    text = page(ROOT / "docs" / "architecture.md").prose
    section = text.partition("## Packages")[2].partition("## ")[0]
    rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    held = (ROOT / "tests" / "test_imports.py").read_text(encoding="utf-8")
    order = re.search(r"^ORDER = (\(.*?^\))", held, re.MULTILINE | re.DOTALL)
    assert order is not None
    assert tuple(re.findall(r"`(\w+)`", " ".join(rows))) == ast.literal_eval(order[1])


def test_the_drawing_names_modules() -> None:
    drawing = (ROOT / "docs" / "images" / "architecture.svg").read_text(encoding="utf-8")
    packages = "config|data|model|training|forecasting|evaluation"
    named = set(re.findall(rf"\b((?:{packages})(?:/[a-z_]+)+)", drawing))
    assert len(named) > 10
    for name in named:
        module = ROOT / "tsconv" / name
        assert module.is_dir() or module.with_suffix(".py").exists(), name


def python_code() -> list[tuple[str, str]]:
    """Blocks of Python on the pages, and the scripts that draw pictures."""
    blocks = [(p.name, block) for p in map(page, PAGES) for block in p.blocks("python")]
    scripts = (ROOT / "docs" / "images").glob("*.py")
    return blocks + [(p.name, p.read_text(encoding="utf-8")) for p in scripts]


@pytest.mark.parametrize(("source", "code"), python_code())
def test_python_imports_what_exists(source: str, code: str) -> None:
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("tsconv"):
            for alias in node.names:
                assert_importable(f"{node.module}.{alias.name}")


def test_the_network_alone_runs_as_the_guide_shows() -> None:
    (code,) = [c for c in page(ROOT / "docs/guide/python.md").blocks("python") if "NetSpec(" in c]
    names: dict[str, typing.Any] = {}
    exec(code, names)
    assert tuple(names["out"].values().shape) == (3, 1, 20, 12, 1)


@pytest.mark.parametrize("name", ["README.md", "docs/guide/python.md"])
@pytest.mark.filterwarnings("ignore::tsconv.TsconvWarning")
def test_the_forecaster_runs_as_the_pages_show(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    quick = {"trainer.max_steps": 2, "compile": False, "callbacks.progress": False}
    monkeypatch.setattr(
        tsconv.Forecaster, "_settings_of_fit", lambda forecaster: {**forecaster.settings, **quick}
    )
    columns = {"unique_id": "store", "ds": "date", "y": "sold"}
    names: dict[str, typing.Any] = {"frame": daily_frame(2, 200).rename(columns=columns)}
    blocks = [c for c in page(ROOT / name).blocks("python") if "forecaster" in c]
    assert blocks
    for code in blocks:
        exec(code, names)
    assert len(names["forecasts"]) == 2 * 28
    assert Path("bundle/config.json").is_file()


def test_every_decision_is_listed() -> None:
    listed = Page.links(page(ROOT / "docs" / "decisions" / "index.md"))
    there = {p.name for p in (ROOT / "docs" / "decisions").glob("*.md")} - {"index.md"}
    assert set(listed) == there
