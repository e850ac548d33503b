"""Every key of a command is explained by a comment in `conf/`."""

import pytest

from tsconv.config.compose import known_keys
from tsconv.config.explanations import Section, option_text, sections

COMMANDS = ("check", "train", "forecast", "sweep")


@pytest.mark.parametrize("command", COMMANDS)
def test_the_keys_are_those_of_the_composed_config(command: str) -> None:
    names = [key.name for section in sections(command) for key in section.keys]
    composed = {key for key in known_keys(command) if not key.startswith("search_space.")}
    assert set(names) == composed
    assert len(names) == len(composed)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_key_and_every_group_has_an_explanation(command: str) -> None:
    found = sections(command)
    assert not [key.name for section in found for key in section.keys if not key.text]
    assert not [section.group for section in found if section.group and not section.text]
    assert not [(s.group, o) for s in found for o in s.options if not option_text(s.group, o)]


def section(command: str, group: str) -> Section:
    return next(s for s in sections(command) if s.group == group)


def test_a_comment_goes_on_below_its_key() -> None:
    keys = {key.name: key for key in section("train", "data").keys}
    assert keys["data.time"].text.endswith(
        "as whole numbers in this order, or [date, clock] as text"
    )
    assert keys["data.sep"].default == '","'
    assert "#" not in keys["data.path"].text


def test_a_comment_above_keys_explains_none_of_them() -> None:
    keys = {key.name: key for key in section("train", "model").keys}
    assert keys["model.linear"].text == "the linear branch over the context"


def test_check_opens_the_horizon_and_forecast_leaves_data_to_the_bundle() -> None:
    check = {key.name: key for key in section("check", "").keys}
    assert (check["horizon"].default, check["output"].default) == ("null", "null")
    assert {key.default for key in section("forecast", "data").keys} == {"???"}
