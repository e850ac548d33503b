"""The settings of a sweep: what is refused and in which words, and what null chooses."""

from __future__ import annotations

from typing import Any

import pytest

from tests.helpers.studies import SPACE, settings
from tsconv.errors import ConfigError
from tsconv.sweep.settings import check_settings, directions, parse_duration, pruner_name


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (
            {"sampler": "tep"},
            r"`sweep.sampler` \(=tep\) must be one of .* \(did you mean `tpe`\?\)",
        ),
        ({"pruner": "medium"}, r"did you mean `median`"),
        ({"n_trials": 0}, r"`sweep.n_trials` \(=0\) must be at least 1"),
        ({"objectives": []}, "is empty"),
        ({"objectives": ["test.mae"]}, "never looks at the test part"),
        ({"objectives": ["val.coverage_80"]}, "must be one of val.scaled_mae"),
        ({"objectives": ["val.mae", "val.mae"]}, "names one twice"),
        ({"objectives": ["val.mae", "parameters"], "pruner": "median"}, "sweep.pruner=none"),
        ({"objectives": ["val.mae", "parameters"], "sampler": "cmaes"}, "takes a single objective"),
        ({"sampler": "grid"}, "needs `choices` or a `step`"),
    ],
)
def test_settings_that_could_not_work_are_refused(given: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        check_settings(settings(**given), SPACE)


def test_several_objectives_have_no_pruner_by_default_and_throughput_is_maximised() -> None:
    several = settings(objectives=["val.mae", "train_origins_per_second"])
    check_settings(several, SPACE)
    assert pruner_name(several) == "none"
    assert pruner_name(settings()) == "median"
    assert [d.name for d in directions(several)] == ["MINIMIZE", "MAXIMIZE"]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90", 90), ("90s", 90), ("1.5m", 90), ("2h", 7200), ("1d", 86400), (None, None)],
)
def test_times_are_read(text: str | None, seconds: float | None) -> None:
    assert parse_duration(text) == seconds


def test_what_is_no_time_is_refused() -> None:
    for text in ("soon", "1w", "-3s", "1h30m", ""):
        with pytest.raises(ConfigError, match=r"must be a time such as 90s"):
            parse_duration(text)
