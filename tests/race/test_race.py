"""The stages of a race, in this process: what is compared, what is kept, and how it ends."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.frames import daily_frame
from tests.helpers.races import beginning_of
from tsconv.config.compose import default_config, train_config
from tsconv.config.schema import TrainConfig
from tsconv.data.reading.read import table_from_frame
from tsconv.data.reading.table import Table
from tsconv.errors import ConfigError
from tsconv.forecaster import Forecaster
from tsconv.race.budget import Budget, Clock
from tsconv.race.candidate import Candidate, scored_part
from tsconv.race.lean import lean
from tsconv.race.portfolio import Change, changed, contexts, fits
from tsconv.race.race import Race
from tsconv.race.run import train_or_race
from tsconv.race.structures import solved_structures
from tsconv.training.lightning.loop import TrainingInterrupted
from tsconv.training.multirun import run_jobs

SMALL = (
    "horizon=7", "trainer.max_steps=4", "compile=false", "plots=false", "precision=float32",
    "callbacks.progress=false", "model.hidden=4", "model.levels=2", "threads=1",
)  # fmt: skip


def config_of(tmp_path: Path, *more: str) -> TrainConfig:
    return train_config([*SMALL, f"run_dir={tmp_path / 'run'}", *more])


def table_of(n: int = 2, length: int = 120) -> Table:
    return table_from_frame(daily_frame(n, length), train_config(["horizon=7"]).data)


def race_of(config: TrainConfig, table: Table, budget: Budget | None = None) -> Race:
    at = beginning_of(config, table)
    clock = Clock(budget or Budget(candidates=3))
    return Race(at.config, at.base, at.part, at.cache, table, clock)


@pytest.mark.parametrize("text", ["", "60", "0s", "-1s", "1.5candidates", "0candidates", "s", "9d"])
def test_a_budget_is_a_time_or_a_number_of_candidates(text: str) -> None:
    with pytest.raises(ConfigError, match="`budget`"):
        Budget.parse(text)


def test_contexts_stay_between_a_season_and_half_of_the_training_part(tmp_path: Path) -> None:
    race = race_of(config_of(tmp_path), table_of())
    portfolio = dataclasses.replace(race.config.portfolio, contexts=["x1", "x0.01", "x0.5", "x100"])
    chosen = race.base.config.context_length
    assert chosen is not None
    found = [change.values["context_length"] for change in contexts(portfolio, race.base)]
    assert found == [chosen, round(0.5 * chosen)]


def test_a_context_that_was_given_is_the_only_one(tmp_path: Path) -> None:
    race = race_of(config_of(tmp_path, "context_length=28"), table_of())
    found = solved_structures(race.config, race.factory, race.clock)
    assert {s.candidate.prepared.config.context_length for s in found} == {28}


def test_a_multiple_is_of_what_was_chosen(tmp_path: Path) -> None:
    config = config_of(tmp_path)
    out = changed(config, Change("fast", {"optimizer.lr": "x2", "model.hidden": "x0.5"}), config)
    assert (out.optimizer.lr, out.model.hidden) == (2 * config.optimizer.lr, 2)
    assert config.model.hidden == 4  # the given one stays
    with pytest.raises(ConfigError, match=r"`optimizer\.rate`"):
        changed(config, Change("odd", {"optimizer.rate": 1}), config)


def test_what_was_given_is_not_varied(tmp_path: Path) -> None:
    config = config_of(tmp_path, "optimizer.lr=0.01")
    race = race_of(config, table_of())
    default = default_config(7)

    def allowed(values: dict[str, Any]) -> bool:
        return fits(Change("one", values), config, default, race.base)

    assert not allowed({"optimizer.lr": "x2"})
    assert not allowed({"model.hidden": "x2"})
    assert allowed({"optimizer.linear_lr": 0.1})
    assert allowed({"model.maps": "pooled"})
    assert not allowed({"model.rows": "pooled"})  # a panel without rows
    one = race_of(config, table_of(n=1))
    assert not fits(Change("one", {"model.maps": "pooled"}), config, default, one.base)


def test_steps_of_a_race_are_no_larger_than_the_default(tmp_path: Path) -> None:
    race = race_of(config_of(tmp_path), table_of())
    small, given = lean(race.config, race.base).data, race.base.config.data
    assert small.origins_per_chunk is not None
    assert given.origins_per_chunk is not None
    assert small.origins_per_chunk <= given.origins_per_chunk
    own = config_of(tmp_path, "data.chunks_per_batch=3")
    assert lean(own, race.base).data.chunks_per_batch == 3


def test_trainings_of_a_race_have_a_higher_rate_unless_it_was_given(tmp_path: Path) -> None:
    default = default_config(7).optimizer.lr
    found = race_of(config_of(tmp_path), table_of()).config.optimizer.lr
    assert found == pytest.approx(3 * default)
    given = config_of(tmp_path, "optimizer.lr=0.01")
    assert race_of(given, table_of()).config.optimizer.lr == 0.01


def test_a_race_keeps_the_candidate_with_the_lowest_loss(tmp_path: Path) -> None:
    race = race_of(config_of(tmp_path, "ensemble=false"), table_of())
    found = race.run()
    losses = [line["val_loss"] for line in found.leaderboard]
    assert losses == sorted(losses)
    assert found.winner.loss == min(c.loss for c in found.members)
    assert found.summary["val_loss"] == found.winner.loss
    assert [line["in_bundle"] for line in found.leaderboard].count(True) == 1
    assert found.winner.loss <= found.summary["solved_val_loss"]


def test_several_networks_are_averaged_where_asked(tmp_path: Path) -> None:
    found = race_of(config_of(tmp_path, "ensemble=true"), table_of()).run()
    assert len(found.members) > 1
    assert len(found.net.members) == len(found.members)  # type: ignore[union-attr]


def test_what_is_trained_begins_where_its_structure_was_solved(tmp_path: Path) -> None:
    race = race_of(config_of(tmp_path), table_of())
    best = solved_structures(race.config, race.factory, race.clock)[0]
    one = race._entrant(best, ())
    assert one is not None
    assert one.loss == pytest.approx(best.candidate.loss, rel=1e-5)
    assert one.prepared.net.spec.stack


def test_a_budget_too_short_leaves_the_solved_network_and_says_so(tmp_path: Path) -> None:
    said: list[str] = []
    config = config_of(tmp_path, "budget=0.01s")
    result = train_or_race(config, table_of(), notify=said.append)
    assert any("too short to train a candidate" in note for note in said)
    assert result.metrics["train_steps"] == 0
    assert result.metrics["race"]["candidates"] == 1
    assert result.metrics["test"]["mae"] is not None


def test_ctrl_c_ends_a_race_with_the_best_so_far(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []

    def train_on(candidate: Any, *arguments: Any) -> Any:
        calls.append(candidate.name)
        raise TrainingInterrupted(1, 4, None)

    monkeypatch.setattr("tsconv.race.candidate_trainer.train_on", train_on)
    said: list[str] = []
    config = config_of(tmp_path, "budget=3candidates")
    result = train_or_race(config, table_of(), notify=said.append)
    assert len(calls) == 1
    assert any("interrupted" in note for note in said)
    assert (tmp_path / "run" / "bundle").is_dir()
    assert "refit" not in result.bundle.info
    lowest = min(float(c["val_loss"]) for c in _board(tmp_path))
    assert result.metrics["race"]["val_loss"] == pytest.approx(lowest)


def test_ctrl_c_in_a_race_ends_a_multirun_behind_its_job(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def train_on(*arguments: Any) -> Any:
        raise TrainingInterrupted(1, 4, None)

    monkeypatch.setattr("tsconv.race.candidate_trainer.train_on", train_on)
    daily_frame(2, 120).to_csv(tmp_path / "sales.csv", index=False)
    own = [*SMALL, f"run_dir={tmp_path / 'many'}", f"data.path={tmp_path / 'sales.csv'}"]
    jobs = [[*own, "budget=2candidates", f"seed={seed}"] for seed in (0, 1)]
    configs = [train_config(job) for job in jobs]
    result = run_jobs(jobs, configs, train_one=train_or_race)
    assert [job.unfinished for job in result.jobs] == [False, True]
    assert (result.jobs[0].folder / "bundle").is_dir()


def _board(tmp_path: Path) -> list[dict[str, str]]:
    from tsconv.race.leaderboard import read_leaderboard

    return read_leaderboard(tmp_path / "run")


@pytest.mark.parametrize("first", ["without", "with"])
def test_an_average_of_networks_with_and_without_the_calendar_is_written_with_its_plots(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first: str
) -> None:
    def choose(ranked: list[Candidate], *arguments: object) -> list[Candidate]:
        takes = {bool(c.net.spec.calendar): c for c in reversed(ranked)}
        return [takes[first == "with"], takes[first != "with"]]

    monkeypatch.setattr("tsconv.race.race.choose_members", choose)
    config = config_of(tmp_path, "budget=3candidates", "plots=true")
    config.portfolio.variations = {"calendar": {"features.calendar": "auto"}}
    result = train_or_race(config, table_of())
    assert len(result.bundle.net.members) == 2  # type: ignore[union-attr]
    assert (result.run_dir / "plots" / "test_forecasts.png").is_file()
    forecast = Forecaster.load(result.run_dir / "bundle").forecast(daily_frame(2, 120))
    assert forecast["tsconv"].notna().all()


def test_without_a_validation_part_there_is_one_training(tmp_path: Path) -> None:
    said: list[str] = []
    config = config_of(tmp_path, "budget=3candidates", "split.val_size=0", "split.test_size=7")
    result = train_or_race(config, table_of(), notify=said.append)
    assert any("no validation part" in note for note in said)
    assert "race" not in result.metrics


def test_a_long_validation_part_is_thinned_at_every_phase_of_a_season(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    race = race_of(config_of(tmp_path), table_of(length=400))
    monkeypatch.setattr("tsconv.race.candidate._MOST_VALUES", 100)
    part = scored_part(race.base)
    assert part is not None
    assert part.stride > 1
    assert all(part.stride % lag for lag in (2, 3, 7))
