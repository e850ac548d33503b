"""The wheel: holds its configs; trains and forecasts from another folder, without the checkout."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pandas as pd
import pytest

import tsconv
from tests.helpers.frames import daily_frame
from tests.helpers.paths import ROOT


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
        wheel.extractall(folder / "site")
    return folder / "site"


def test_holds_package_configs_and_command(unpacked: Path) -> None:
    shipped = {p.relative_to(ROOT / "conf") for p in (ROOT / "conf").rglob("*.yaml")}
    found = {
        p.relative_to(unpacked / "tsconv/conf") for p in (unpacked / "tsconv/conf").rglob("*.yaml")
    }
    assert shipped == found
    entry = next(unpacked.glob("*.dist-info/entry_points.txt")).read_text()
    assert "tsconv = tsconv.cli:main" in entry
    assert next(unpacked.glob("*.dist-info/licenses/LICENSE")).is_file()
    assert not (unpacked / "tests").exists()
    assert (unpacked / "tsconv" / "py.typed").is_file()


def test_has_the_version_of_the_package(unpacked: Path) -> None:
    metadata = next(unpacked.glob("*.dist-info/METADATA")).read_text()
    assert f"\nVersion: {tsconv.__version__}\n" in metadata


def test_trains_and_forecasts_elsewhere(unpacked: Path, tmp_path: Path) -> None:
    frame = daily_frame(2, 90).rename(columns={"unique_id": "store", "ds": "date", "y": "sold"})
    frame.to_csv(tmp_path / "mine.csv", index=False)
    environment = {**os.environ, "PYTHONPATH": str(unpacked)}

    def run(*arguments: str) -> str:
        command = [sys.executable, "-m", "tsconv.cli", *arguments]
        done = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    where = "from tsconv.config.folder import config_folder; print(config_folder())"
    folder = subprocess.run(
        [sys.executable, "-c", where], cwd=tmp_path, env=environment, capture_output=True, text=True
    ).stdout
    assert folder.strip() == str(unpacked / "tsconv" / "conf")
    run(
        "train", "data.path=mine.csv", "data.time=date", "data.id=store", "data.target=sold",
        "horizon=7", "trainer.max_steps=10", "compile=false", "run_dir=run",
    )  # fmt: skip
    run("forecast", "bundle=run/bundle", "data.path=mine.csv", "output=out.csv")
    assert len(pd.read_csv(tmp_path / "out.csv")) == 14
