"""Every value survives the shell and Hydra on its way into the `tsconv train` command."""

import shlex

import pytest

from tsconv.check.train_command import override, train_command
from tsconv.config.compose import train_config


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("data.target", "PM2.5"), ("data.target", "it's (a) name, no?"), ("data.id", None),
        ("data.target", ["a b", "c"]), ("data.sep", ";"), ("data.sep", "\t"), ("data.decimal", ","),
        ("data.time_format", "%d.%m.%Y %H:%M"), ("data.id", "true"), ("data.id", "3"),
        ("data.target", ["$x", '"q"', "`b`", "back\\slash"]), ("data.target", "null"),
        ("horizon", 12), ("features.seasonal_lags", [24, 168]), ("data.na_values", ["-", "?"]),
    ],
)  # fmt: skip
def test_every_value_survives_the_shell_and_hydra(key: str, value: object) -> None:
    line = train_command(
        ["data.path=my file's (1).csv", "horizon=3", "output=r.json"], {key: value}
    )
    words = shlex.split(line)
    assert words[:2] == ["tsconv", "train"]
    config = train_config(words[2:])
    group, _, name = key.rpartition(".")
    assert getattr(getattr(config, group) if group else config, name) == value
    assert config.data.path == "my file's (1).csv"


def test_keys_take_the_place_of_what_was_given() -> None:
    line = train_command(
        ["data.id=a", "data.path=x.csv"], {"data.id": "b", "horizon": 2}, "conf dir"
    )
    assert line == "tsconv train --config-dir 'conf dir' data.path=x.csv data.id=b horizon=2"
    assert override("data.time", ["year", "month"]) == "data.time=[year,month]"
