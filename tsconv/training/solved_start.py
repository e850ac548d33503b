"""The solved linear branch at the start of a training, and the training that ends there."""

from __future__ import annotations

import dataclasses
import time

import torch

from tsconv.ridge.choose import RidgeChoice
from tsconv.ridge.start import LinearSolver
from tsconv.training.lightning.loop import TrainerResult
from tsconv.training.prepare import Prepared


@dataclasses.dataclass(frozen=True)
class SolvedStart:
    """How the linear branch was solved; choice: None where there is nothing to solve."""

    choice: RidgeChoice | None = None
    seconds: float = 0.0

    @property
    def reasons(self) -> dict[str, str]:
        """Why it begins as it does, by the key of the config."""
        return {} if self.choice is None else {"model.linear_start": str(self.choice)}

    def counted(self, trained: TrainerResult) -> TrainerResult:
        """A training's result whose seconds have those of solving too."""
        figures = {**trained.figures, "solve_seconds": round(self.seconds, 3)}
        figures["train_seconds"] = round(figures["train_seconds"] + self.seconds, 3)
        return dataclasses.replace(trained, figures=figures)


def linear_solver(prepared: Prepared) -> LinearSolver:
    """What solves linear branches for the split of a training."""
    mean, std = prepared.scale.mean, prepared.scale.std
    inv_scale = torch.where(std > 0, 1 / std, 0)
    return LinearSolver(prepared.panel, prepared.split, inv_scale, mean)


def solve_linear_branch(prepared: Prepared, solver: LinearSolver | None = None) -> SolvedStart:
    """Solve the linear branch of a network that was just drawn, in place, where its config asks.

    A resumed training takes its weights from the checkpoint instead. solver: of the same split, to
    solve each kind of branch once.
    """
    config = prepared.config
    if config.model.linear_start != "solved" or config.resume is not None:
        return SolvedStart()
    begun = time.perf_counter()
    solver = solver or linear_solver(prepared)
    choice = solver.start(prepared.net, config.head.loss_scale)
    return SolvedStart(choice, time.perf_counter() - begun)


def untrained_result(prepared: Prepared, start: SolvedStart) -> TrainerResult:
    """What a training leaves that is solved alone."""
    figures = {
        "train_origins_per_second": 0.0,
        "train_seconds": 0.0,
        "compile_seconds": 0.0,
        "train_steps": 0,
        "precision": "float32",
        "compiled": False,
        "parameters": sum(p.numel() for p in prepared.net.parameters()),
    }
    return TrainerResult(figures, {}, f"solved: {start.choice}", [], {})
