"""Every file that tsconv writes goes beside its target, is flushed and renamed, and faults say so.

The first test reads the package: a call that writes a file stands in a short list of functions,
whose paths are those that `tsconv/atomic_write.py` gives out, or which are only appended to.
"""

from __future__ import annotations

import ast
import errno
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import pytest
import torch
from safetensors.torch import save_file

import tsconv
from tests.helpers.frames import daily_frame
from tsconv import cli
from tsconv.atomic_write import replace_file, replace_folder, replace_text
from tsconv.errors import disk_fault

PACKAGE = Path(tsconv.__file__).parent
Run = Callable[..., "subprocess.CompletedProcess[str]"]
_METHODS = {"write_text", "write_bytes", "savefig", "to_csv", "to_parquet", "to_json", "to_excel",
            "touch", "tofile", "CSVWriter", "ParquetWriter", "save_file", "save", "savez", "dump",
            "copy2", "copyfile", "copytree", "move", "save_checkpoint"}  # fmt: skip
# module -> functions that may write, and why.
_ALLOWED = {
    "atomic_write": {
        "replace_text",
        "_why_not_writable",
        "_mode_of_new_files",
        "replace_by_link",
    },  # the way itself
    # Called with a path of `replace_file` or `replace_folder`.
    "output/plots": {"save_figure"},
    "data/write": {"write_table", "write_text_table"},
    "data/cache/panel_files": {"write_panel"},
    "data/cache/parts": {"__init__", "add", "reorder"},
    "forecasting/bundles/bundle": {"save_bundle"},
    "forecasting/bundles/tensor_file": {"write_tensors"},
    "forecasting/shards/job": {"_write_part"},
    "forecasting/shards/merge": {"_write"},
    "forecasting/sums/write": {"write_samples"},
    "backtest/forecast_file": {"write"},
    "training/lightning/checkpoints/file": {"write_checkpoint"},
    "training/lightning/checkpoints/last": {"_save"},  # by `write_checkpoint`
    "training/step/code_folder": {"publish", "_copied"},  # or to a folder of this process
    # No files, but memory, a pipe and a text.
    "distributed/transfer": {"pack"},
    "sweep/worker": {"main"},
    # Logs that are only appended to: a worker's, and the journal, whose torn line is cut off.
    # Lightning's loggers write metrics.csv and the like by themselves, in the same way.
    "sweep/worker_pool": {"_start"},
    "sweep/storage/journal": {"_cut_torn_line"},
}


def writes(path: Path) -> Iterator[tuple[str, str]]:
    """The functions of a module that call what writes a file, and what they call."""

    def look(node: ast.AST, function: str) -> Iterator[tuple[str, str]]:
        for child in ast.iter_child_nodes(node):
            inner = child.name if isinstance(child, ast.FunctionDef) else function
            if isinstance(child, ast.Call):
                name = getattr(child.func, "attr", getattr(child.func, "id", ""))
                if name in _METHODS or (name in ("open", "fdopen") and opens_to_write(child)):
                    yield inner, name
            yield from look(child, inner)

    yield from look(ast.parse(path.read_text(encoding="utf-8")), "")


def opens_to_write(call: ast.Call) -> bool:
    texts = [a.value for a in (*call.args, *(k.value for k in call.keywords))
             if isinstance(a, ast.Constant) and isinstance(a.value, str)]  # fmt: skip
    return any(set(text) <= set("rwxab+t") and set(text) & set("wxa+") for text in texts)


def test_nothing_writes_a_file_directly() -> None:
    found = {
        f"{path.relative_to(PACKAGE).with_suffix('').as_posix()}: {function} calls {name}"
        for path in PACKAGE.rglob("*.py")
        for function, name in writes(path)
        if function not in _ALLOWED.get(path.relative_to(PACKAGE).with_suffix("").as_posix(), set())
    }
    assert not found, "write by tsconv/atomic_write.py, or say here why not"


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "the disk is full: forecast.csv was not written; free some space"),
        (errno.EDQUOT, "your disk quota is used up: forecast.csv was not written; free some"),
        (errno.EROFS, "forecast.csv cannot be written: the disk is read-only; name another"),
        (errno.EACCES, "no permission for forecast.csv; change its permissions"),
    ],
)
def test_faults_of_the_disk_are_one_line_and_leave_the_old_file(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    number: int,
    words: str,
) -> None:
    def fail(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TSCONV_DEBUG", raising=False)
    monkeypatch.setattr("sys.argv", ["tsconv"])
    Path("forecast.csv").write_text("old")
    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(SystemExit, match="1"):
        cli.run_main(lambda _: replace_text(Path("forecast.csv"), "new"))
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"tsconv: {words}")
    assert Path("forecast.csv").read_text() == "old"
    assert os.listdir() == ["forecast.csv"]


def test_a_file_where_a_folder_should_be_is_one_line(tsconv_here: Run, tmp_path: Path) -> None:
    daily_frame(1, 60).to_csv(tmp_path / "sales.csv", index=False)
    (tmp_path / "runs").write_text("mine")
    done = tsconv_here("train", "data.path=sales.csv", "horizon=3", "model=linear")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("tsconv: runs: a file stands where a folder")
    assert (tmp_path / "runs").read_text() == "mine"


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A disk of 128 kB."""
    folder = tmp_path / "small"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs", str(folder)]
    if os.name != "posix" or os.geteuid() != 0 or subprocess.run(
        command, check=False, capture_output=True
    ).returncode:  # fmt: skip
        pytest.skip("mounting a small disk needs the rights of root")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=False)


def write_weights(path: Path) -> None:
    save_file({"a": torch.zeros(1_000_000)}, path)


def write_lines(path: Path) -> None:
    pd.DataFrame({"a": torch.rand(100_000).numpy()}).to_csv(path)


def write_parquet(path: Path) -> None:
    pd.DataFrame({"a": torch.rand(100_000).numpy()}).to_parquet(path)


def write_checkpoint(path: Path) -> None:
    torch.save({"a": torch.zeros(1_000_000)}, path)


@pytest.mark.parametrize("write", [write_weights, write_lines, write_parquet, write_checkpoint])
def test_a_full_disk_is_told_whatever_library_meets_it(
    small: Path, write: Callable[[Path], None]
) -> None:
    (small / "a").write_text("old")
    with pytest.raises(OSError, match="No space left") as caught, replace_file(small / "a") as path:
        write(path)
    assert disk_fault(caught.value).startswith(f"the disk is full: {small / 'a'} was not written")
    assert (small / "a").read_text() == "old"
    with pytest.raises(OSError, match="No space left"), replace_folder(small / "b") as folder:
        write(folder / "a")
    assert os.listdir(small) == ["a"]


def test_a_training_on_a_full_disk_ends_in_one_line(tsconv_here: Run, small: Path) -> None:
    """The checkpoint is the first that is too large."""
    daily_frame(1, 100).to_csv(small.parent / "sales.csv", index=False)
    done = tsconv_here(
        "train", "data.path=sales.csv", "horizon=3", "run_dir=small/run", "compile=false",
        "precision=float32", "trainer.max_steps=2", "callbacks.progress=false", "model.hidden=64",
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.splitlines()[1:] == [
        "tsconv: the disk is full: small/run/checkpoints/last.ckpt was not written; free some "
        "space, or name another disk"
    ]
    assert not [path for path in small.rglob("*") if path.name.endswith((".part", ".probe"))]
