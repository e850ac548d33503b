"""How workers share the processor and the GPUs of a machine."""

from __future__ import annotations

import pytest

from tsconv.sweep.worker_environment import (
    device_environment,
    threads_per_worker,
    worker_environment,
)


def test_threads_are_shared_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "8")
    assert [threads_per_worker(n) for n in (1, 2, 3, 20)] == [None, 4, 2, 1]


def test_each_worker_sees_one_gpu_in_turn() -> None:
    seen = [device_environment(i, {"CUDA_VISIBLE_DEVICES": "4,6"}) for i in range(3)]
    assert [s["CUDA_VISIBLE_DEVICES"] for s in seen] == ["4", "6", "4"]
    assert device_environment(0, {"CUDA_VISIBLE_DEVICES": ""}) == {}


def test_a_worker_keeps_the_environment_and_gets_its_share() -> None:
    given = {"HOME": "/home/me", "CUDA_VISIBLE_DEVICES": "4,6", "OMP_NUM_THREADS": "8"}
    own = {"CUDA_VISIBLE_DEVICES": "6", "OMP_NUM_THREADS": "2"}
    assert worker_environment(1, 2, given) == {**given, **own}
    assert worker_environment(0, None, given)["OMP_NUM_THREADS"] == "8"
