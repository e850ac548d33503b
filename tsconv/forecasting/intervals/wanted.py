"""What is wanted of forecasts beside the horizon: levels, calibration and the point forecast."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from tsconv.calibration.choose import KINDS
from tsconv.config.schema import DataConfig
from tsconv.errors import ConfigError, require_choice
from tsconv.notes import Note, NoteKind

POINTS = ("median", "mean")


@dataclasses.dataclass(frozen=True)
class Wanted:
    """What a user asks of forecasts; None: as the bundle has it."""

    levels: tuple[float, ...] | None = None  # per cent of the central intervals
    conformal: str | None = None  # none, split or adaptive
    point: str | None = None  # median or mean
    roles: DataConfig | None = None  # of the panel, with its bounds; None: those of the bundle
    given: tuple[str, ...] = ()  # keys of the roles that were set for this panel


def wanted_of(
    levels: Any, conformal: str | None, point: str | None, components: bool = False
) -> Wanted:
    """Check what a config asks for; raises ConfigError.

    levels: per cent, a number or a list of them; None: the levels of the training. components:
    whether the parts of the median are asked for, which are none of a mean.

    >>> wanted_of([95, 80], None, None).levels
    (80.0, 95.0)
    """
    if conformal is not None:
        require_choice("conformal", conformal, KINDS)
    if point is not None:
        require_choice("point", point, POINTS)
    if components and point == "mean":
        raise ConfigError(
            "`components` (=True) are the parts of the median: leave out `point` (=mean)"
        )
    return Wanted(None if levels is None else _checked_levels(levels), conformal, point)


def _checked_levels(levels: Any) -> tuple[float, ...]:
    given = list(levels) if isinstance(levels, (list, tuple)) else [levels]
    if not given:
        raise ConfigError("`levels` (=[]) must name an interval, such as levels=[80,95]")
    for level in given:
        is_number = isinstance(level, (int, float)) and not isinstance(level, bool)
        if not is_number or not 0 < level < 100:
            raise ConfigError(
                f"`levels` (={levels}) must be per cents above 0 and below 100, such as [50,80,95]"
            )
    return tuple(sorted({float(level) for level in given}))


# Of forecasts that sample paths are drawn from: each half of the distribution in ten parts.
PATH_LEVELS = (*(10.0 * i for i in range(1, 10)), 98.0)


def quantiles_of(levels: Sequence[float]) -> tuple[float, ...]:
    """The quantiles that bound central intervals, with the median between them.

    levels: per cent.

    >>> quantiles_of([80, 95])
    (0.025, 0.1, 0.5, 0.9, 0.975)
    """
    below = sorted({round((1 - level / 100) / 2, 10) for level in levels})
    return (*below, 0.5, *(round(1 - q, 10) for q in reversed(below)))


def beyond_training_note(quantiles: Sequence[float], trained: Sequence[float]) -> Note | None:
    """A note that marks intervals beyond the levels of the training; None where there are none.

    trained: () for a head that knows all levels.

    >>> print(beyond_training_note((0.025, 0.1, 0.5, 0.9, 0.975), (0.1, 0.5, 0.9)))
    the 95% interval is extrapolated: the training knows the levels from 10% to 90%
    """
    if len(trained) < 2:
        return None
    low = [q for q in beyond_training(quantiles, trained) if q < 0.5]
    if not low:
        return None
    names = " and ".join(f"{100 * (1 - 2 * q):g}%" for q in reversed(low))
    text = (
        f"the {names} interval{'s are' if len(low) > 1 else ' is'} extrapolated: the training "
        f"knows the levels from {100 * min(trained):g}% to {100 * max(trained):g}%"
    )
    return Note(NoteKind.EXTRAPOLATED, text)


def beyond_training(quantiles: Sequence[float], trained: Sequence[float]) -> list[float]:
    """Those of the quantiles that lie outside the range that a head was trained for.

    >>> beyond_training((0.025, 0.1, 0.5, 0.9, 0.975), (0.1, 0.5, 0.9))
    [0.025, 0.975]
    """
    return [q for q in quantiles if q < min(trained) - 1e-9 or q > max(trained) + 1e-9]
