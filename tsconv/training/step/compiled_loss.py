"""The compiled loss of training steps: where it cannot be built, training goes on without it."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import time
from collections.abc import Hashable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor

from tsconv.model.network import ForecastNet
from tsconv.nn.functional.materialize import lower_materialize
from tsconv.training.step.code_folder import CodeFolder
from tsconv.training.step.process_settings import many_recompiles
from tsconv.training.step.timing_memory import describe_machine
from tsconv.training.step.training_step import Loss, TrainingStep

_ATTEMPTS = ((False, False), (True, False), (True, True))  # empty, elsewhere


class CompiledLoss:
    """A loss, compiled for each shape that it meets, or as it is from where that fails on.

    loss: a pure function. `strict` is the compiled one, which raises where it cannot be built.
    """

    def __init__(self, loss: Loss) -> None:
        lower_materialize()
        self._loss = loss
        self.strict: Loss = torch.compile(loss, dynamic=False)
        self.is_compiled = True

    def __call__(
        self, net: ForecastNet, batch: Any, inv_scale: Tensor, head: Any
    ) -> tuple[Tensor, Tensor]:
        """Return what the loss returns; compiling draws no random numbers."""
        from torch._dynamo.exc import TorchDynamoException

        if self.is_compiled:
            try:
                return self.strict(net, batch, inv_scale, head)
            except TorchDynamoException:  # a later shape could not be built
                self.is_compiled = False
        return self._loss(net, batch, inv_scale, head)


@dataclasses.dataclass(frozen=True)
class CompiledStep:
    """The compiled loss, or why there is none.

    seconds: of the first step, which compiled it, and of attempts that failed. fault: "" where it
    was built.
    """

    loss: CompiledLoss | None
    seconds: float
    fault: str = ""


def compile_step(
    step: TrainingStep, precision: str, until_end: contextlib.ExitStack, folder: CodeFolder
) -> CompiledStep:
    """Compile the loss of a step by running it once, and from nothing where that fails.

    What is there may be broken, or its disk may be full or read-only: so the next attempt begins
    with nothing, and the last one in another place. Leaves the random state as it is.

    Args:
        step: with the loss to compile, in the shape of the training's.
        precision: of the training.
        until_end: of the training, for which torch's settings and the folder stay.
        folder: for the compiled code, see `code_folder`.

    Raises what is no fault of compiling: too little memory, Ctrl-C.
    """
    until_end.enter_context(folder)
    begun, faults = time.perf_counter(), []
    for empty, elsewhere in _ATTEMPTS:
        try:
            folder.begin(empty, elsewhere)
            until_end.enter_context(many_recompiles())
            loss = CompiledLoss(step.loss)
            with kept_random_state(step.device), _own_headers(apart=empty):
                dataclasses.replace(step, loss=loss.strict).run(precision)
            folder.publish()
            if empty:
                _remove_shared_headers()
            return CompiledStep(loss, time.perf_counter() - begun)
        except torch.OutOfMemoryError:
            raise
        except Exception as error:  # an eager step shows whether it is a fault of something else
            faults.append(_brief(error))
            _forget_compiled()
    return CompiledStep(None, time.perf_counter() - begun, faults[-1])


def _own_headers(apart: bool) -> AbstractContextManager[object]:
    """Compile without the headers that torch precompiles for all its processes, if `apart`.

    They lie outside its cache folder, and a killed process leaves them half too.
    """
    import torch._inductor.config as inductor_config

    settings = {"cpp_cache_precompile_headers": False} if apart else {}
    return cast("AbstractContextManager[object]", inductor_config.patch(settings))


def _remove_shared_headers() -> None:
    """Remove them: torch makes new ones, and whoever includes them meanwhile reads the source."""
    from torch._inductor import codecache

    folder = Path(getattr(codecache, "_HEADER_DIR", os.devnull))
    for path in folder.glob("*.gch"):
        with contextlib.suppress(OSError):
            path.unlink()


def _forget_compiled() -> None:
    """Let torch compile anew, also what it knows to lie in a folder of before."""
    with contextlib.suppress(Exception):  # where torch's compiler cannot even be imported
        from torch._inductor.utils import clear_caches

        torch.compiler.reset()
        clear_caches()


def folder_for(step: TrainingStep, precision: str) -> CodeFolder:
    """The folder of the compiled code of such steps on this machine."""
    key: Hashable = (describe_machine(step.device), precision, *step.key())
    return CodeFolder(key)


def kept_random_state(device: torch.device) -> AbstractContextManager[None]:
    """Put the random state back behind the block: steps run in it do not change the training."""
    return torch.random.fork_rng(devices=[device] if device.type == "cuda" else [])


def _brief(error: Exception) -> str:
    """The cause of an error of torch's compiler, which says much else around it.

    >>> _brief(RuntimeError("backend='inductor' raised:\\nOSError: main.so: file too short"))
    'OSError: main.so: file too short'
    """
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    lines = [line for line in lines if not line.startswith("backend=")] or [type(error).__name__]
    return lines[0][:200]
