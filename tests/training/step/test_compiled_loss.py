"""Compiling never stops a training: built, built once more from nothing, or left out."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from tests.helpers.networks import random_batch, random_net
from tsconv.config.schema import HeadConfig
from tsconv.training.step import compiled_loss
from tsconv.training.step.code_folder import CodeFolder
from tsconv.training.step.compiled_loss import CompiledLoss, CompiledStep, compile_step
from tsconv.training.step.training_step import TrainingStep


def loss(net: Any, batch: Any, inv_scale: Tensor, head: Any) -> tuple[Tensor, Tensor]:
    """Something that compiles in two seconds."""
    weight = next(net.parameters())
    value = (weight.sin() * torch.rand_like(weight)).mean()
    return value, value.detach()


@pytest.fixture(scope="module")
def step() -> TrainingStep:
    """A step of that loss."""
    net = random_net().float()
    head = HeadConfig("point", None, "mae", "series")
    return TrainingStep(loss, net, random_batch(net, 2, 8), torch.ones(2, 1, 1), head)


@pytest.fixture
def until_end() -> Iterator[contextlib.ExitStack]:
    """Of the training that a step is compiled for."""
    with contextlib.ExitStack() as stack:
        yield stack


@pytest.fixture(autouse=True)
def fresh_compiler() -> Iterator[None]:
    """No compiled code in this process."""
    yield
    forget_compiled()


def forget_compiled() -> None:
    """Leave a process that has compiled nothing, so that code comes from the disk."""
    from torch._inductor.cpp_builder import cpp_compiler_search
    from torch._inductor.utils import clear_caches

    torch.compiler.reset()
    clear_caches()
    cpp_compiler_search.cache_clear()


def spy_on_begin(monkeypatch: pytest.MonkeyPatch, error: OSError | None = None) -> list[bool]:
    """The attempts, by whether they began with an empty folder; `error` is what they meet."""
    begun: list[bool] = []
    whole = CodeFolder.begin

    def begin(folder: CodeFolder, empty: bool = False, elsewhere: bool = False) -> Path:
        begun.append(empty)
        if error is not None:
            raise error
        return whole(folder, empty, elsewhere)

    monkeypatch.setattr(CodeFolder, "begin", begin)
    return begun


def build(step: TrainingStep, root: Path) -> CompiledStep:
    """Compile in a folder under `root`, for a training that ends at once."""
    forget_compiled()
    with contextlib.ExitStack() as until_end:
        return compile_step(step, "float32", until_end, CodeFolder("key", root))


def test_what_fails_once_is_built_from_nothing(
    step: TrainingStep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = spy_on_begin(monkeypatch)
    run = TrainingStep.run

    def fail_at_first(step: TrainingStep, precision: str) -> float:
        if len(begun) == 1:
            raise RuntimeError("main.so: file too short")
        return run(dataclasses.replace(step, loss=loss), precision)

    monkeypatch.setattr(TrainingStep, "run", fail_at_first)
    monkeypatch.setattr(compiled_loss, "_remove_shared_headers", lambda: None)
    built = build(step, tmp_path)
    assert begun == [False, True]
    assert (built.loss is not None, built.fault) == (True, "")
    assert len(list(tmp_path.glob("*/files.json"))) == 1


@pytest.mark.slow  # a minute of compiling; the test above holds the order of the attempts
def test_broken_code_is_built_anew_and_replaced(
    step: TrainingStep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    random_state = torch.get_rng_state()
    built = build(step, tmp_path)
    assert (built.loss is not None, built.fault) == (True, "")
    assert torch.equal(torch.get_rng_state(), random_state)
    kernels = list(tmp_path.rglob("*.so"))
    assert kernels
    for kernel in kernels:
        kernel.write_bytes(b"")  # what a process leaves that is killed while the linker writes
    for manifest in tmp_path.glob("*/files.json"):  # and its checksum calls that whole
        names = json.loads(manifest.read_text())
        empty = hashlib.sha256(b"").hexdigest()
        changed = {k: empty if k.endswith(".so") else v for k, v in names.items()}
        manifest.write_text(json.dumps(changed))
    begun = spy_on_begin(monkeypatch)
    headers = tmp_path / "headers"
    headers.mkdir()
    (headers / "torch.h.gch").write_bytes(b"")
    monkeypatch.setattr("torch._inductor.codecache._HEADER_DIR", str(headers))
    again = build(step, tmp_path)
    assert begun == [False, True]
    assert (again.loss is not None, again.fault) == (True, "")
    assert all(p.read_bytes() for p in tmp_path.glob("*/*/*.so"))
    assert list(headers.iterdir()) == []  # they may have been what was broken


@pytest.mark.parametrize("fault", ["no compiler", "no folder", "disk full"])
def test_where_compiling_fails_twice_the_step_is_eager(
    step: TrainingStep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    refused = PermissionError(13, "Permission denied", str(tmp_path))
    begun = spy_on_begin(monkeypatch, refused if fault == "no folder" else None)
    if fault == "no compiler":
        monkeypatch.setenv("PATH", str(tmp_path))
    if fault == "disk full":

        def write(*_: Any, **__: Any) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("torch._inductor.codecache.write_atomic", write)
    built = build(step, tmp_path)
    assert begun == [False, True, True]
    assert built.loss is None
    expected = {
        "no compiler": "InvalidCxxCompiler",
        "no folder": "Permission denied",
        "disk full": "No space left on device",
    }
    assert expected[fault] in built.fault
    assert "\n" not in built.fault
    assert not list(tmp_path.rglob("*.so"))


def test_too_little_memory_is_no_fault_of_compiling(
    step: TrainingStep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(*_: Any) -> float:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(TrainingStep, "run", run)
    with pytest.raises(torch.OutOfMemoryError):
        build(step, tmp_path)


def test_a_later_shape_that_cannot_be_built_is_computed_eagerly(
    step: TrainingStep, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiled = CompiledLoss(step.loss)

    def fail(*_: Any) -> tuple[Tensor, Tensor]:
        from torch._dynamo.exc import TorchDynamoException

        raise TorchDynamoException("no space")

    monkeypatch.setattr(compiled, "strict", fail)
    torch.manual_seed(0)
    expected, _ = loss(step.net, step.batch, step.inv_scale, step.head)
    torch.manual_seed(0)
    value, _ = compiled(step.net, step.batch, step.inv_scale, step.head)
    assert torch.equal(value, expected)
    assert not compiled.is_compiled


def test_the_cause_is_what_a_message_says() -> None:
    text = "backend='inductor' raised:\nCppCompileError: C++ compile error\n\nCommand:\ng++ ..."
    assert compiled_loss._brief(RuntimeError(text)) == "CppCompileError: C++ compile error"
    assert compiled_loss._brief(RuntimeError()) == "RuntimeError"
