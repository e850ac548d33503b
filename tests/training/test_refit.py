"""Refit: what the bundle gets, what stays that of the network before, and what ends a refit."""

from pathlib import Path
from typing import Any

import pytest
import torch

from tests.helpers.frames import daily_frame
from tests.helpers.runs import QUICK, run, same_weights, weights
from tsconv.config.compose import train_config
from tsconv.data.panel.panel import build_panel
from tsconv.data.reading.read import table_from_frame
from tsconv.errors import TrainingError
from tsconv.forecaster import Forecaster
from tsconv.forecasting.bundles.bundle import Bundle, load_bundle
from tsconv.model.ensemble import EnsembleNet
from tsconv.summary import describe_refit
from tsconv.training import multirun, refit
from tsconv.training.prepare import Prepared, prepare
from tsconv.training.refit import Fitted, held_share, refit_bundle, wants_refit, with_all_data

FIGURES = ("val", "test", "rival", "spread_ratio")


def prepared(**settings: Any) -> Prepared:
    keys = {**QUICK, "refit": "auto", **{k.replace("__", "."): v for k, v in settings.items()}}
    config = train_config([f"{k}={v}" for k, v in keys.items()])
    return prepare(config, build_panel(table_from_frame(daily_frame(2, 120), config.data)))


def test_the_figures_stay_those_of_the_network_before(tmp_path: Path) -> None:
    before = run(tmp_path, run_dir=tmp_path / "before", refit="false")
    after = run(tmp_path, run_dir=tmp_path / "after", refit="true")
    assert {k: before.metrics[k] for k in FIGURES} == {k: after.metrics[k] for k in FIGURES}
    assert "refit" not in before.bundle.info
    assert after.bundle.info["refit"]["steps"] == 8  # a fifth of 40
    assert after.bundle.info["test"] == before.bundle.info["test"]
    assert not same_weights(before, after)
    stored = load_bundle(after.run_dir / "bundle")
    assert stored.info["refit"] == after.bundle.info["refit"]
    assert all(torch.equal(v, weights(after)[k]) for k, v in stored.net.state_dict().items())
    assert stored.target_ranges == before.bundle.target_ranges


def test_only_the_refit_learns_from_the_steps_that_are_scored(tmp_path: Path) -> None:
    frame = daily_frame()
    changed = frame.copy()
    last = changed["ds"] > changed["ds"].max() - changed["ds"].diff().max() * 3
    changed.loc[last, "y"] += 5.0
    pairs = {
        mode: [
            run(tmp_path, data, run_dir=tmp_path / f"{mode}{i}", refit=mode, trainer__max_steps=10)
            for i, data in enumerate((frame, changed))
        ]
        for mode in ("true", "false")
    }
    assert same_weights(*pairs["false"])
    assert not same_weights(*pairs["true"])


def test_every_step_is_an_origin_but_the_last() -> None:
    everything = with_all_data(prepared())
    lengths = everything.panel.lengths
    assert torch.equal(everything.split.train.last, lengths - 2)
    assert torch.equal(everything.split.train.end, lengths)
    assert everything.split.val is None


def test_auto_looks_at_how_much_was_held_out() -> None:
    little = prepared(split__val_size=10, split__test_size=10)
    much = prepared(split__val_size=20, split__test_size=20)
    assert held_share(little) == pytest.approx(20 / 120)
    assert held_share(much) == pytest.approx(40 / 120)
    assert (wants_refit(little), wants_refit(much)) == (False, True)
    assert wants_refit(prepared(split__val_size=10, split__test_size=10, refit="True"))
    assert not wants_refit(prepared(split__val_size=20, split__test_size=20, refit="false"))
    assert not wants_refit(prepared(split__val_size=0, split__test_size=0, refit="true"))


def test_a_solved_branch_is_solved_again_with_its_strengths(tmp_path: Path) -> None:
    alone = {"model__stack": "false", "model__linear": "true"}
    before = run(tmp_path, run_dir=tmp_path / "before", refit="false", **alone)
    after = run(tmp_path, run_dir=tmp_path / "after", refit="true", **alone)
    assert after.bundle.info["refit"]["steps"] == 0
    changed = {k for k, v in weights(before).items() if not torch.equal(v, weights(after)[k])}
    assert changed == {"linear.weight"}


def test_a_solved_branch_with_a_calendar_is_kept_and_the_bundle_says_so(tmp_path: Path) -> None:
    alone = {"model__stack": "false", "model__linear": "true", "features__calendar": "[weekday]"}
    before = run(tmp_path, run_dir=tmp_path / "before", refit="false", **alone)
    after = run(tmp_path, run_dir=tmp_path / "after", refit="true", **alone)
    assert same_weights(before, after)
    assert set(after.bundle.info["refit"]) == {"kept"}
    assert describe_refit(after.bundle.info["refit"]).startswith("refit left out: a solved linear")


def test_a_budget_without_time_for_a_refit_is_told(tmp_path: Path) -> None:
    before = run(tmp_path, run_dir=tmp_path / "before", refit="false")
    after = refit_bundle(before.bundle, [Fitted(prepared(), 10)], most_steps=[0])
    assert after.net is before.bundle.net
    said = "refit left out: the budget had no time left for it"
    assert describe_refit(after.info["refit"]) == said


@pytest.mark.parametrize(
    ("error", "said"), [(KeyboardInterrupt(), "Ctrl-C"), (TrainingError("no"), "no")]
)
def test_what_ends_a_refit_leaves_the_network_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException, said: str
) -> None:
    before = run(tmp_path, run_dir=tmp_path / "before", refit="false", trainer__max_steps=5)

    def ends(*args: object, **kwargs: object) -> None:
        raise error

    monkeypatch.setattr(refit, "train_on_all", ends)
    after = run(tmp_path, run_dir=tmp_path / "after", refit="true", trainer__max_steps=5)
    assert after.bundle.info["refit"] == {"ended_by": said}
    assert same_weights(before, after)
    assert load_bundle(after.run_dir / "bundle").info["refit"] == {"ended_by": said}


def test_ctrl_c_in_a_refit_ends_a_multirun_behind_its_job(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ends(*args: object, **kwargs: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(refit, "train_on_all", ends)
    daily_frame(2, 120).to_csv(tmp_path / "sales.csv", index=False)
    own = {**QUICK, "data.path": tmp_path / "sales.csv", "trainer.max_steps": 3, "refit": "true"}
    own["run_dir"] = tmp_path / "many"
    jobs = [[*(f"{k}={v}" for k, v in own.items()), f"seed={seed}"] for seed in (0, 1)]
    result = multirun.run_jobs(jobs, [train_config(job) for job in jobs])
    assert [job.unfinished for job in result.jobs] == [False, True]
    assert (result.jobs[0].folder / "bundle").is_dir()


def test_the_networks_of_an_ensemble_are_refit_one_by_one() -> None:
    members = [prepared(seed=seed, refit="true") for seed in (0, 1)]
    nets = [one.net.eval() for one in members]
    both = Bundle(EnsembleNet(nets, [1.0, 3.0]), members[0].config.data, "D", 7, info={})
    found = refit_bundle(both, [Fitted(one, 10) for one in members], most_steps=[10, 1])
    assert isinstance(found.net, EnsembleNet)
    assert found.net.weights == (1.0, 3.0)
    assert found.info["refit"]["steps"] == 3  # a fifth of ten, and one
    for before, after in zip(nets, found.net.members, strict=True):
        ours, theirs = before.state_dict(), after.state_dict()
        assert any(not torch.equal(v, theirs[k]) for k, v in ours.items())


def test_a_forecaster_says_that_it_was_refit() -> None:
    settings = {**QUICK, "trainer.max_steps": 10, "refit": True}
    forecaster = Forecaster(**settings).fit(daily_frame(2, 120))
    assert "on all the data: 2 more steps in" in repr(forecaster)
