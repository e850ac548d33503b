"""Overrides: quoting that survives the way back, keys that exist, several values a key."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from tsconv.config.compose import train_config, trial_config
from tsconv.config.overrides import check_keys, expand_jobs, format_overrides
from tsconv.errors import ConfigError


@pytest.mark.parametrize(
    "name",
    ["a b", "it's", "back\\slash", "ends in \\", "a=b", "[x]", "{x: 1}", "1,2", "null", "007", "é"],
)
def test_a_quoted_text_comes_back_as_it_was(name: str) -> None:
    given = {"horizon": 7, "data.id": name, "data.target": [name, "y"]}
    data = train_config(format_overrides(given)).data
    assert (data.id, data.target) == (name, [name, "y"])


def test_python_values_keep_their_types() -> None:
    given: dict[str, Any] = {
        "horizon": 7, "plots": False, "optimizer.lr": 1e-4, "model.hidden": None,
        "optimizer.betas": (0.9, 0.99), "data.past_covariates": {"name": "wind", "delay": 2},
    }  # fmt: skip
    config = train_config(format_overrides(given))
    assert (config.plots, config.optimizer.lr, config.model.hidden) == (False, 1e-4, None)
    assert config.optimizer.betas == [0.9, 0.99]
    assert config.data.past_covariates == {"name": "wind", "delay": 2}


def test_paths_and_column_names_need_no_quotes() -> None:
    config = train_config(["horizon=7", "data.path=my sales (2024), new=1.csv", "data.id=store id"])
    assert (config.data.path, config.data.id) == ("my sales (2024), new=1.csv", "store id")


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("modell.hidden=3", r"unknown config key `modell.hidden` .did you mean `model.hidden`"),
        ("hidden=3", r"did you mean `model.hidden`"),
        ("zzz=3", r"unknown config key `zzz`$"),
        ("seed=1,2", "several values for one key; give one, or -m"),
        ("horizon=soon", "`horizon`: Value 'soon' of type 'str' could not be"),
        ("data.na_values=x", "`data.na_values`: expected a list"),
        ("model=big", "available: linear, tcn"),
    ],
)
def test_an_override_at_fault_is_named(override: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        train_config(["horizon=7", override])


def test_keys_that_others_check_are_let_through() -> None:
    base = {"trainer": {"max_steps": 1}, "search_space": None}
    check_keys(base, ["trainer.profiler=simple", "search_space.lr=[0,1]", "+mine=1"])
    config = train_config(["horizon=7", "trainer.profiler=simple"])
    assert config.trainer["profiler"] == "simple"


def test_a_trial_sets_keys_and_groups() -> None:
    config = trial_config(["horizon=7"], {"model.hidden": 24, "scheduler": "cosine"})
    assert (config.model.hidden, config.scheduler.name) == (24, "cosine")


def test_no_job_for_an_override_that_does_not_parse() -> None:
    with pytest.raises(ConfigError):
        expand_jobs(["a=[1,2"])


@pytest.mark.parametrize(
    ("typed", "names"),
    [
        ("[store,item]", ["store", "item"]),
        ("[store (no), item]", ["store (no)", "item"]),
        ("['a,b',\"c\",007]", ["a,b", "c", "007"]),
        ("['it\\'s',x]", ["it's", "x"]),
        ("[]", []),
        ("a,b", "a,b"),
    ],
)
def test_a_list_of_columns_needs_no_quotes_within(typed: str, names: object) -> None:
    given = ["horizon=7", f"data.id={typed}"]
    assert train_config(given).data.id == names
    assert trial_config(given, {"model.hidden": 4}).data.id == names
    assert train_config(expand_jobs(given)[0]).data.id == names


def test_numbers_of_numpy_and_column_labels_of_pandas_are_values_like_others() -> None:
    settings = {
        "horizon": np.int64(28),
        "optimizer.lr": np.float32(0.5),
        "plots": np.bool_(False),
        "data.target": pd.Index(["a", "b c"]),
        "head.quantiles": np.array([0.25, 0.5, 0.75]),
    }
    config = train_config(format_overrides(settings))
    assert (config.horizon, config.optimizer.lr, config.plots) == (28, 0.5, False)
    assert config.data.target == ["a", "b c"]
    assert config.head.quantiles == [0.25, 0.5, 0.75]
