"""`tsconv bundle inspect`: all of a bundle for a person, and what is wrong with a damaged one."""

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.helpers.bundles import config_of, seal
from tests.helpers.paths import ROOT

GOLDEN = ROOT / "tests" / "golden"
Run = Callable[..., "subprocess.CompletedProcess[str]"]


def test_it_prints_the_contract_the_training_the_networks_the_intervals_and_the_files(
    tsconv_here: Run,
) -> None:
    done = tsconv_here("bundle", "inspect", str(GOLDEN / "third_format"))
    assert (done.returncode, done.stderr) == (0, "")
    flat = re.sub(" +", " ", done.stdout)
    for line in (
        " targets sold",
        " steps 4 ahead, from 14 before",
        " frequency D, season of 7 steps",
        " columns time day, id shop",
        " lower bound 0.0",
        " data hash 73a68c5a0324a09d",
        " seed 0",
        "test tsconv seasonal naive, 7 steps",
        " 1 712 parameters, context 14, 2 levels of 4 channels, receptive field 7, linear branch, "
        "calendar weekday",
        " format 3, written by tsconv 0.1.0",
    ):
        assert f"{line}\n" in flat
    assert re.search(r"^mae +0\.6335 +5\.4$", done.stdout, re.MULTILINE)
    assert "calibration adaptive, fitted on 51 validation origins" in flat
    for name in ("config.json", "model.safetensors", "calibration.safetensors"):
        assert re.search(rf"{name} [\d.]+ kB, checksum right\n", flat)


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*/bundle")), ids=lambda p: p.parent.name)
def test_it_reads_every_bundle_that_there_is(path: Path, tsconv_here: Run) -> None:
    done = tsconv_here("bundle", "inspect", str(path))
    assert (done.returncode, done.stderr) == (0, "")
    assert ("has no checksums" in done.stdout) == (not path.parent.name.startswith("third"))
    assert "mae" in done.stdout


def test_a_damaged_bundle_is_one_line_and_exit_code_1(tmp_path: Path, tsconv_here: Run) -> None:
    folder = shutil.copytree(GOLDEN / "third_format" / "bundle", tmp_path / "bundle")
    text = (folder / "config.json").read_text()
    (folder / "config.json").write_text(text.replace('"season": 7', '"season": 24'))
    done = tsconv_here("bundle", "inspect", str(folder))
    assert (done.returncode, done.stdout) == (1, "")
    assert "config.json was changed after it was written" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_whatever_figures_say_is_shown_harmlessly(tmp_path: Path, tsconv_here: Run) -> None:
    folder = shutil.copytree(GOLDEN / "third_format" / "bundle", tmp_path / "bundle")
    values = config_of(folder)
    odd = {"mae": 10**400, "rmse": "x", "mase": True, "baselines": {"\x1b[2J": {"mae": None}}}
    values["info"] |= {"test": odd, "rival": ["y"], "seed": "\x1b]0;x\x07", "refit": {"a": [1]}}
    seal(folder, values)
    done = tsconv_here("bundle", "inspect", str(folder))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.replace("\n", "").isprintable()
    values["info"] |= {"test": [1], "rival": None, "baseline_steps": 3}
    seal(folder, values)
    assert tsconv_here("bundle", "inspect", str(folder)).returncode == 0


def test_other_words_say_how_it_is_used(tsconv_here: Run) -> None:
    for words, code in ((("bundle",), 2), (("bundle", "--help"), 0), (("help", "bundle"), 0)):
        done = tsconv_here(*words)
        assert (done.returncode, done.stderr) == (code, "")
        assert "tsconv bundle inspect PATH prints" in done.stdout
    done = tsconv_here("bundle", "inspct", "x")
    assert done.returncode == 1
    assert "no such action (did you mean `inspect`?)" in done.stderr
    for words in (("inspect",), ("inspect", "a", "b")):
        assert "takes one path" in tsconv_here("bundle", *words).stderr
