"""The live table of a sweep: what it prints of each trial, and when."""

from __future__ import annotations

from typing import Any

import optuna
import pytest
from optuna.trial import TrialState, create_trial

from tests.helpers.studies import settings
from tsconv.sweep.results.trial_table import TrialTable
from tsconv.sweep.search_space.parse import parse_space

SPACE = parse_space(
    {
        "optimizer.lr": {"type": "log_float", "low": 1e-4, "high": 0.1},
        "model.rows": {"choices": ["shared", "a name that is too long"]},
    }
)
HEADING = "trial   state             val.mae   train s        lr      rows"


def add(study: optuna.Study, value: float | None, state: TrialState, **attributes: Any) -> None:
    params = {"optimizer.lr": 0.0123456}
    study.add_trial(
        create_trial(
            state=state,
            value=value,
            params=params,
            distributions={"optimizer.lr": SPACE[0].distribution},
            user_attrs=attributes,
        )
    )


@pytest.fixture
def table() -> TrialTable:
    return TrialTable(settings(), SPACE, limit=5, show=False)


def test_each_trial_is_printed_once_under_its_heading(
    table: TrialTable, capsys: pytest.CaptureFixture[str]
) -> None:
    study = optuna.create_study()
    add(study, 0.123456, TrialState.COMPLETE, metrics={"train_seconds": 2.04})
    add(study, None, TrialState.FAIL, kind="out of memory", error="no memory")
    table.refresh(study)
    assert capsys.readouterr().out.splitlines() == [
        HEADING,
        "    0*  complete          0.12346       2.0   0.01235          ",
        "    1   out of memory                         0.01235          ",
        "        no memory",
    ]
    table.refresh(study)
    assert capsys.readouterr().out == ""
    add(study, 0.1, TrialState.COMPLETE)
    table.refresh(study)
    assert capsys.readouterr().out.splitlines() == [
        "    2*  complete              0.1             0.01235          "
    ]


def test_a_long_value_is_cut(table: TrialTable, capsys: pytest.CaptureFixture[str]) -> None:
    study = optuna.create_study()
    trial = create_trial(
        value=1.0,
        params={"model.rows": "a name that is too long"},
        distributions={"model.rows": SPACE[1].distribution},
    )
    study.add_trial(trial)
    table.refresh(study)
    assert capsys.readouterr().out.splitlines()[1].endswith("  a name that is t")


def test_the_heading_is_repeated(table: TrialTable, capsys: pytest.CaptureFixture[str]) -> None:
    study = optuna.create_study()
    for i in range(31):
        add(study, float(i), TrialState.COMPLETE)
    table.refresh(study)
    lines = capsys.readouterr().out.splitlines()
    assert [at for at, line in enumerate(lines) if line == HEADING] == [0, 31]


def test_notes_go_to_standard_error(table: TrialTable, capsys: pytest.CaptureFixture[str]) -> None:
    table.print_note("a worker died")
    assert capsys.readouterr().err == "a worker died\n"
