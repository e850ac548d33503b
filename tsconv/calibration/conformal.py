"""Calibration: what a validation part says of a network's intervals, as a bundle keeps it.

Conformalised quantile forecasts (Romano et al. 2019; distributional, Chernozhukov et al. 2021) from
the dense errors of a validation part, by step of the horizon and by series.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from tsconv.calibration.choose import KINDS, KindFigures, choose_kind, compare_kinds
from tsconv.calibration.dependence import Dependence
from tsconv.calibration.effective_number import EffectiveNumber, effective_number
from tsconv.calibration.error_scores import ErrorScores
from tsconv.calibration.score_maps import LEVELS, ScoreMaps, fit_maps
from tsconv.errors import ConfigError, require_choice

CHOICES = ("auto", *KINDS)
_LEAST = 20  # errors that a calibration needs, of all series and origins
_TENSORS = ("step_scores", "series_scores")
_DEPENDENCE = "dependence."


@dataclasses.dataclass(frozen=True)
class Calibration:
    """A fitted calibration, and the names of what it was fitted on."""

    kind: str  # none, split or adaptive: what forecasts use unless they are told otherwise
    maps: ScoreMaps
    series: tuple[str, ...]
    targets: tuple[str, ...]
    rows: tuple[str, ...]  # () for a panel without rows
    info: dict[str, Any]  # for people to read: numbers of errors, figures of each kind
    dependence: Dependence | None = None  # of steps, series and rows on each other

    def members(self, series: Sequence[str], targets: Sequence[str], rows: Sequence[str]) -> Tensor:
        """(S, T, H) the number of each series, target and row of a panel; -1 for a new one."""
        ids, names = ({name: i for i, name in enumerate(v)} for v in (self.series, self.targets))
        own_rows = {name: i for i, name in enumerate(self.rows)} if self.rows else {"": 0}
        s = torch.tensor([ids.get(name, -1) for name in series]).view(-1, 1, 1)
        t = torch.tensor([names.get(name, -1) for name in targets]).view(1, -1, 1)
        h = torch.tensor([own_rows.get(name, -1) for name in rows or ("",)]).view(1, 1, -1)
        number = (s * len(self.targets) + t) * len(own_rows) + h
        return torch.where((s >= 0) & (t >= 0) & (h >= 0), number, -1)

    def state(self) -> tuple[dict[str, Any], dict[str, Tensor]]:
        """Plain values and tensors, for a bundle; see `from_state`."""
        fields = ("kind", "series", "targets", "rows", "info")
        values = {name: getattr(self, name) for name in fields}
        plain = {k: list(v) if isinstance(v, tuple) else v for k, v in values.items()}
        tensors = (self.maps.of_step, self.maps.of_member)
        found = {n: v.contiguous() for n, v in zip(_TENSORS, tensors, strict=True)}
        if self.dependence is not None:
            found |= {_DEPENDENCE + k: v for k, v in self.dependence.state().items()}
        return {**plain, "levels": list(LEVELS)}, found

    @classmethod
    def from_state(cls, values: dict[str, Any], tensors: dict[str, Tensor]) -> Calibration:
        """Rebuild from `state`; raises ConfigError, KeyError or TypeError where it is damaged.

        >>> from tsconv.calibration.knots import scores_of
        >>> plain = ScoreMaps(scores_of(LEVELS).expand(2, -1), scores_of(LEVELS).expand(1, -1))
        >>> one = Calibration("split", plain, ("a",), ("y",), (), {})
        >>> Calibration.from_state(*one.state()).series
        ('a',)
        """
        require_choice("calibration.kind", values["kind"], KINDS)
        if tuple(values["levels"]) != LEVELS:
            raise ConfigError(f"`calibration.levels` (={values['levels']}) must be {list(LEVELS)}")
        names = {key: tuple(map(str, values[key])) for key in ("series", "targets", "rows")}
        of_step, of_member = (tensors[name].double() for name in _TENSORS)
        count = len(names["series"]) * len(names["targets"]) * max(1, len(names["rows"]))
        if of_step.shape[1:] != (len(LEVELS),) or of_member.shape != (count, len(LEVELS)):
            raise ConfigError("the tensors of the calibration do not go with its names")
        state = {k.removeprefix(_DEPENDENCE): v for k, v in tensors.items() if k not in _TENSORS}
        dependence = Dependence.from_state(state) if state else None
        maps = ScoreMaps(of_step, of_member)
        return cls(values["kind"], maps, **names, info=values["info"], dependence=dependence)


def fit_calibration(
    errors: ErrorScores,
    choice: str,
    series: Sequence[str],
    targets: Sequence[str],
    rows: Sequence[str],
    adapts: bool = True,
) -> Calibration | None:
    """Fit a calibration on validation errors; None where `auto` has too few of them.

    choice: auto, none, split or adaptive; auto takes what covers best on the later half of the
    errors when fitted on the earlier one, of those whose interval score is within half a per cent
    of the best. The fit itself uses all errors. adapts: whether auto may take adaptive. Raises
    ConfigError for another choice, and for too few errors where split or adaptive was asked for.

    >>> noise = 2 * torch.randn(400, 3, generator=torch.Generator().manual_seed(0))
    >>> lines = torch.arange(400)
    >>> errors = ErrorScores(noise, 0 * lines, lines, (1, 1, 1))
    >>> fit_calibration(errors, "auto", ("a",), ("y",), ()).kind != "none"
    True
    """
    require_choice("conformal", choice, CHOICES)
    count = len(errors.scores)
    if count < _LEAST:
        if choice in ("split", "adaptive"):
            raise ConfigError(
                f"`conformal` (={choice}) needs at least {_LEAST} validation origins of all "
                f"series, and there are {count}: set a larger `split.val_size`, or `conformal=none`"
            )
        return None
    number = effective_number(errors)
    found = compare_kinds(errors)
    if choice == "auto" and not adapts:
        found.pop("adaptive", None)
    kind = choose_kind(found) if choice == "auto" else choice
    info = {
        "choice": choice,
        "chosen_for": _reason(choice, kind, found),
        "origins": number.origins,
        "effective_origins": round(number.of_all, 1),
        "text": describe(kind, number),
        "judged": {key: _rounded(figures) for key, figures in found.items()},
    }
    maps = fit_maps(errors, number)
    return Calibration(kind, maps, tuple(series), tuple(targets), tuple(rows), info)


def describe(kind: str, number: EffectiveNumber) -> str:
    """How intervals are calibrated, and how much the errors are worth, in words.

    >>> describe("split", EffectiveNumber(12.0, torch.zeros(1), 500))
    'split, fitted on 500 validation origins, worth 12 independent ones as their horizons overlap'
    """
    if kind == "none":
        return "as trained"
    return (
        f"{kind}, fitted on {number.origins:,} validation origins, worth {number.of_all:,.0f} "
        f"independent ones as their horizons overlap"
    )


def _reason(choice: str, kind: str, found: dict[str, KindFigures]) -> str:
    if choice != "auto":
        return "asked for"
    if not found:
        return "the validation part cannot be cut in two to compare"
    figures = found[kind]
    return (
        f"on the later half of the validation part 80% intervals cover "
        f"{100 * figures.coverage_80:.1f}% ({100 * found['none'].coverage_80:.1f}% as trained), "
        f"{100 * (figures.interval_score / found['none'].interval_score - 1):+.1f}% interval score"
    )


def _rounded(figures: KindFigures) -> dict[str, float]:
    return {key: round(value, 4) for key, value in dataclasses.asdict(figures).items()}
