"""The parts of the config that readers take."""

import dataclasses

from tsconv.config.schema import DataConfig
from tsconv.data.settings import FileFormat, GridPolicy, MissingPolicy, TimeFormat


def test_the_defaults_of_the_parts_are_those_of_the_config() -> None:
    data = DataConfig()
    assert FileFormat.of(data) == FileFormat()
    assert MissingPolicy.of(data) == MissingPolicy()
    assert TimeFormat.of(data) == TimeFormat()
    assert GridPolicy.of(data) == GridPolicy()


def test_a_tab_has_three_spellings() -> None:
    for sep in ("\t", "\\t", "tab"):
        assert FileFormat.of(DataConfig(sep=sep)).sep == "\t"


def test_numbers_among_the_missing_values_follow_the_decimal_mark() -> None:
    data = DataConfig(na_values=["-9,5", "none", "inf", "7"], decimal=",")
    policy = MissingPolicy.of(data)
    assert policy.numbers == [-9.5, 7.0]
    assert policy.spellings[-4:] == data.na_values
    plain = MissingPolicy.of(dataclasses.replace(data, na_values="-1"))  # type: ignore[arg-type]
    assert plain.numbers == [-1.0]
