"""The file of a checkpoint: whole or not used, finite, and beside the one before."""

from __future__ import annotations

import errno
import os
import pickle
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.helpers.runs import run
from tsconv.errors import BundleError, TrainingError
from tsconv.training.lightning.checkpoints.file import (
    previous_path,
    read_checkpoint,
    write_checkpoint,
)
from tsconv.training.lightning.checkpoints.resume import find_checkpoint

MUTATIONS = 2000


def state(step: int = 7, **parts: Any) -> dict[str, Any]:
    """Something like what Lightning keeps."""
    return {
        "global_step": step,
        "state_dict": {"net.bias": torch.arange(5.0) + step},
        "optimizer_states": [{"state": {0: {"exp_avg": torch.ones(3)}}}],
        "callbacks": {"AveragedWeights": {"average": {"bias": torch.zeros(2)}, "best": {}}},
        **parts,
    }


def same(a: Any, b: Any) -> bool:
    """Whether two trees hold the same values."""
    if isinstance(a, torch.Tensor):
        return isinstance(b, torch.Tensor) and torch.equal(a, b)
    if isinstance(a, dict):
        return isinstance(b, dict) and a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, list):
        return isinstance(b, list) and len(a) == len(b) and all(map(same, a, b))
    return bool(a == b)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run" / "checkpoints" / "last.ckpt"


def test_torch_reads_it_as_any_other(path: Path) -> None:
    write_checkpoint(state(), path)
    assert same(read_checkpoint(path), state())
    assert same(torch.load(path, weights_only=True), state())


def test_a_checkpoint_of_an_earlier_version_has_no_checksum(path: Path) -> None:
    path.parent.mkdir(parents=True)
    torch.save(state(), path)
    assert same(read_checkpoint(path), state())


def mutations(content: bytes, count: int) -> Iterator[bytes]:
    """Copies with one fault each: flipped bits, other bytes, cuts, insertions, repetitions."""
    draw = random.Random(0)
    for _ in range(count):
        at = draw.randrange(len(content))
        match draw.randrange(6):
            case 0:
                yield (
                    content[:at] + bytes([content[at] ^ 1 << draw.randrange(8)]) + content[at + 1 :]
                )
            case 1:
                width = draw.randrange(1, 40)
                yield content[:at] + draw.randbytes(width) + content[at + width :]
            case 2:
                yield content[:at]
            case 3:
                yield content[:at] + draw.randbytes(draw.randrange(1, 40)) + content[at:]
            case 4:
                yield content[at:]
            case _:
                yield content + content[at:]


def test_a_changed_file_is_equal_or_damaged(path: Path) -> None:
    write_checkpoint(state(), path)
    content, messages = path.read_bytes(), []
    for mutation in mutations(content, MUTATIONS):
        path.write_bytes(mutation)
        try:
            found = read_checkpoint(path)
        except BundleError as error:
            messages.append(str(error))
        else:
            assert same(found, state())
    assert len(messages) > 0.9 * MUTATIONS
    assert not any("\n" in message for message in messages)


class Canary:
    """Makes a file where it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("how", ["torch.save", "pickle"])
def test_nothing_in_it_is_executed(path: Path, tmp_path: Path, how: str) -> None:
    canary = tmp_path / "canary"
    path.parent.mkdir(parents=True)
    if how == "torch.save":
        torch.save(state(hyper_parameters=Canary(canary)), path)
    else:
        path.write_bytes(pickle.dumps(Canary(canary)))
    with pytest.raises(BundleError, match="is damaged"):
        read_checkpoint(path)
    assert not canary.exists()


@pytest.mark.parametrize("part", ["state_dict", "optimizer_states", "average"])
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_not_finite_is_not_kept(path: Path, part: str, value: float) -> None:
    write_checkpoint(state(1), path)
    bad = torch.tensor([1.0, value])
    parts: dict[str, Any] = {
        "state_dict": {"state_dict": {"net.bias": bad}},
        "optimizer_states": {"optimizer_states": [{"state": {0: {"exp_avg": bad}}}]},
        "average": {"callbacks": {"AveragedWeights": {"average": {"bias": bad}}}},
    }
    with pytest.raises(TrainingError, match="is not finite at step 2: no checkpoint is written"):
        write_checkpoint(state(2, **parts[part]), path)
    assert read_checkpoint(path)["global_step"] == 1


def test_where_the_last_is_damaged_training_goes_on_from_the_one_before(path: Path) -> None:
    run_dir = path.parent.parent
    assert find_checkpoint(run_dir) is None
    for step in (1, 2, 3):
        write_checkpoint(state(step), path)
    assert read_checkpoint(previous_path(path))["global_step"] == 2
    path.write_bytes(path.read_bytes()[:-100])
    found = find_checkpoint(run_dir)
    assert found is not None
    assert (found.path, found.step) == (previous_path(path), 2)
    assert "last.ckpt is damaged" in found.note
    assert "goes on from the one before, of step 2" in found.note
    previous_path(path).write_bytes(b"")
    with pytest.raises(BundleError, match=r"last.ckpt is damaged.*previous.ckpt is damaged"):
        find_checkpoint(run_dir)


@pytest.mark.parametrize("after", [0, 1000, 1500])
def test_a_full_disk_leaves_the_old_one_whole(
    path: Path, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    """after: bytes that find room."""
    write_checkpoint(state(1), path)
    opened = Path.open

    class Full:
        """A file on a disk that is full."""

        def __init__(self, file: Any) -> None:
            self.file, self.room = file, after

        def __enter__(self) -> Any:
            return self

        def __exit__(self, *args: object) -> None:
            self.file.close()

        def write(self, data: Any) -> int:
            self.room -= len(bytes(data))
            if self.room < 0:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return int(self.file.write(data))

        def __getattr__(self, name: str) -> Any:
            return getattr(self.file, name)

    def open_full(self: Path, mode: str = "r", *args: Any, **keys: Any) -> Any:
        file = opened(self, mode, *args, **keys)
        return Full(file) if mode == "wb" else file

    monkeypatch.setattr(Path, "open", open_full)
    with pytest.raises(OSError, match="No space left"):
        write_checkpoint(state(2), path)
    monkeypatch.undo()
    assert read_checkpoint(path)["global_step"] == 1
    assert [p.name for p in path.parent.iterdir()] == ["last.ckpt"]


def test_a_run_without_a_checkpoint_begins_again_in_its_folder(tmp_path: Path) -> None:
    whole = run(tmp_path, run_dir=tmp_path / "whole", trainer__max_steps=4)
    cut = tmp_path / "cut"
    cut.mkdir()
    (cut / "config.yaml").write_text((tmp_path / "whole" / "config.yaml").read_text())
    resumed = run(tmp_path, run_dir=cut, resume=cut, trainer__max_steps=4)
    assert resumed.run_dir == cut
    assert all(
        torch.equal(v, resumed.bundle.net.state_dict()[k])
        for k, v in whole.bundle.net.state_dict().items()
    )
