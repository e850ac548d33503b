"""The file of timings: two processes agree, and damage costs a measurement, not a training."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from tsconv.training.step.timing_memory import TimingMemory, default_path

CPU = torch.device("cpu")


def recall(memory: TimingMemory, seconds: float, shape: int = 1) -> float:
    return memory.recall_or_measure("a step", shape, CPU, lambda: {"float32": seconds}).seconds[
        "float32"
    ]


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        "null",
        '{"format": 99, "timings": {}}',
        '{"format": 1, "timings": [1]}',
        '{"format": 1}',
        "\x00\xff",
    ],
)
def test_a_damaged_file_is_one_without_timings(tmp_path: Path, content: str) -> None:
    path = tmp_path / "step_choices.json"
    path.write_text(content, encoding="latin-1")
    assert recall(TimingMemory(path), 0.5) == 0.5
    assert recall(TimingMemory(path), 0.7) == 0.5


@pytest.mark.parametrize("value", [None, {}, {"float32": "x"}, {"float32": -1.0}, {"float32": 0.0}])
def test_a_damaged_timing_is_measured_again(tmp_path: Path, value: object) -> None:
    path = tmp_path / "step_choices.json"
    recall(TimingMemory(path), 0.5)
    content = json.loads(path.read_text())
    (key,) = content["timings"]
    content["timings"][key]["seconds"] = value
    path.write_text(json.dumps(content))
    assert recall(TimingMemory(path), 0.7) == 0.7


def test_of_two_that_measure_at_once_the_first_decides(tmp_path: Path) -> None:
    path = tmp_path / "step_choices.json"

    def measure_while_another_does() -> dict[str, float]:
        recall(TimingMemory(path), 0.5)
        return {"float32": 0.7}

    timing = TimingMemory(path).recall_or_measure("a step", 1, CPU, measure_while_another_does)
    assert timing.seconds == {"float32": 0.5}


def test_the_oldest_timings_go_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tsconv.training.step.timing_memory._MOST", 2)
    memory = TimingMemory(tmp_path / "step_choices.json")
    for shape in (1, 2, 3):
        recall(memory, 0.5, shape)
    assert [recall(memory, 0.7, shape) for shape in (3, 2)] == [0.5, 0.5]
    assert recall(memory, 0.7, 1) == 0.7


def test_the_file_lies_in_the_cache_folder_of_the_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_path() == tmp_path / "tsconv" / "step_choices.json"
    monkeypatch.setenv("HOME", str(tmp_path))
    for unset in ("", "relative"):  # which the standard says to ignore
        monkeypatch.setenv("XDG_CACHE_HOME", unset)
        assert default_path() == tmp_path / ".cache" / "tsconv" / "step_choices.json"
