"""A training that was cut short goes on from its checkpoint, exactly."""

from pathlib import Path
from typing import Any

import pytest
import torch

from tests.helpers.frames import daily_frame
from tests.helpers.runs import Stop, run, same_weights, stop_after
from tsconv.errors import ConfigError
from tsconv.forecasting.bundles.networks import names_in_files


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"callbacks__weights": "best", "callbacks__patience": 3},
        {"split__val_size": 0},
        {"model__dropout": 0, "head": "point"},
        {"precision": "bfloat16", "trainer__gradient_clip_val": 0.1},
        {"precision": "float16"},
    ],
    ids=["default", "best", "no validation", "no dropout", "bfloat16", "float16"],
)
def test_a_training_cut_short_goes_on_to_the_same_weights(
    tmp_path: Path, settings: dict[str, Any]
) -> None:
    settings = {"trainer__val_check_interval": 10, "model__dropout": 0.3, **settings}
    whole = run(tmp_path, run_dir=tmp_path / "whole", **settings)
    cut = tmp_path / "cut"
    with pytest.MonkeyPatch.context() as patch:
        stop_after(25, patch)
        with pytest.raises(Stop):
            run(tmp_path, run_dir=cut, **settings)
    torch.manual_seed(99)  # what the process draws in between does not count
    resumed = run(tmp_path, run_dir=cut, resume=cut, **settings)
    assert same_weights(resumed, whole)
    for part in ("val", "test"):
        assert resumed.metrics[part] == whole.metrics[part]
    assert resumed.bundle.info["weights"] == whole.bundle.info["weights"]
    assert resumed.metrics["train_steps"] == whole.metrics["train_steps"]


def test_a_checkpoint_of_an_earlier_version_is_resumed(tmp_path: Path) -> None:
    """Its tensors have the names of files, and it holds no random state."""
    frame = daily_frame().assign(promo=lambda f: f.index % 3)
    settings = {"data__future_covariates": "[promo]", "trainer__val_check_interval": 10}
    cut = tmp_path / "cut"
    with pytest.MonkeyPatch.context() as patch:
        stop_after(25, patch)
        with pytest.raises(Stop):
            run(tmp_path, frame, run_dir=cut, **settings)
    path = cut / "checkpoints" / "last.ckpt"
    checkpoint = torch.load(path, weights_only=True)
    states = checkpoint["callbacks"]
    del states["LastCheckpoint"]
    states["AveragedWeights"]["average"] = names_in_files(states["AveragedWeights"]["average"])
    states["AveragedWeights"]["best"] = names_in_files(states["AveragedWeights"]["best"])
    tensors = {k.removeprefix("net."): v for k, v in checkpoint["state_dict"].items()}
    checkpoint["state_dict"] = {f"net.{k}": v for k, v in names_in_files(tensors).items()}
    assert any(name.startswith("net.known.") for name in checkpoint["state_dict"])
    torch.save(checkpoint, path)
    resumed = run(tmp_path, frame, run_dir=cut, resume=cut, **settings)
    assert resumed.metrics["train_steps"] == 40


def test_resume_needs_a_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"`resume` .*there is no .*last.ckpt"):
        run(tmp_path, resume=tmp_path)


def test_resuming_another_network_says_so(tmp_path: Path) -> None:
    run(tmp_path, run_dir=tmp_path / "a")
    with pytest.raises(ConfigError, match="its network is another one"):
        run(tmp_path, run_dir=tmp_path / "b", resume=tmp_path / "a", model__hidden=8)
