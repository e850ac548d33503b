"""How much of the data validates and tests, and which origins of these parts are scored.

A test part speaks for the data where it holds a whole cycle of their longest season, and a fair
share of their length. Both are chosen from lengths alone, and the reasons say what was chosen.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Collection, Iterable, Sequence

from torch import Tensor

from tsconv.config.schema import SplitConfig
from tsconv.data.panel.panel import Panel
from tsconv.data.timestamps.frequency import DAY, Frequency
from tsconv.errors import ConfigError

_CYCLES = 4  # of a season that a typical series has, for one of them to be the test
_SHARE = 10  # the test part is at least one part in so many
_MOST_HORIZONS = 10  # of the validation part: it is scored many times while training
_MOST_VALUES = 30_000_000  # forecast values of a part that are scored by default
_USUAL_FACTORS = 2 * 3 * 5 * 7  # of seasons in steps
_DAYS_OF_YEAR, _WORKING_DAYS_OF_YEAR = 365, 261


def resolve_split(
    split: SplitConfig, horizon: int, panel: Panel, seasonal_lags: Sequence[int] = ()
) -> tuple[SplitConfig, dict[str, str]]:
    """Choose the sizes of the validation and test parts, and the strides of their origins.

    Args:
        split: keys that are None are filled.
        horizon: steps.
        panel: its lengths and frequency.
        seasonal_lags: further seasons, in steps, besides those of the frequency.

    At least half of a typical series trains: one that could not keep as much gives up the
    validation part first. Raises ConfigError for a size or a stride that does not fit.
    """
    _check_sizes(split, horizon)
    ordered = panel.lengths.cpu().sort().values
    typical = int(ordered[len(ordered) // 2])
    room = typical // 2
    cycles = find_cycles(panel.frequency, seasonal_lags, typical)
    usual = min(max(horizon, typical // _SHARE), _MOST_HORIZONS * horizon)
    test, val = split.test_size, split.val_size
    reasons: dict[str, str] = {}
    if test is None:
        kept = usual if val is None else val
        test, why = _choose_test(ordered, typical, horizon, cycles, kept, usual)
        if test > room:
            test, why = (horizon, "one horizon") if horizon <= room else (0, "")
        reasons["split.test_size"] = (
            f"{_share_of(test, typical)}: {why}"
            if test
            else f"a typical series has {typical} steps, too few to hold out a horizon of {horizon}"
        )
    if val is None:
        left = room - test
        val = usual if usual <= left else (horizon if horizon <= left else 0)
        reasons["split.val_size"] = (
            f"at most half of a typical series is held out, which leaves {max(0, left)}"
            if val < usual
            else f"{_share_of(val, typical)}: a tenth, within 1 to 10 horizons"
        )
    strides = {}
    for part, size in (("test", test), ("val", val)):
        stride = getattr(split, f"{part}_stride")
        if stride is None:
            given = getattr(split, f"{part}_size") is not None
            stride = 1 if given else _choose_stride(panel, size, horizon, cycles)
            if stride > 1:
                text = f"1 in {stride} steps is an origin, to score at most {_MOST_VALUES:,} values"
                reasons[f"split.{part}_stride"] = text
                reasons[f"split.{part}_size"] += f"; {text}"
        strides[f"{part}_stride"] = stride
    return dataclasses.replace(split, val_size=val, test_size=test, **strides), reasons


def _share_of(size: int, typical: int) -> str:
    return f"{size:,} of {typical:,} steps of a typical series ({100 * size / typical:.0f}%)"


def find_cycles(frequency: Frequency, lags: Iterable[int], typical: int) -> dict[int, str]:
    """The seasons that a typical series holds four times, shortest first: steps -> words.

    frequency: its seasons and its year count. lags: further seasons. typical: steps.

    >>> from tsconv.data.timestamps.frequency import parse_frequency
    >>> find_cycles(parse_frequency("D"), [], typical=1461)
    {7: 'a season of 7 steps', 365: 'a year'}
    """
    year = _year_of(frequency)
    found = {*frequency.seasons, *lags} | ({year} if year is not None else set())
    return {
        steps: "a year" if steps == year else f"a season of {steps:,} steps"
        for steps in sorted(found)
        if steps > 1 and _CYCLES * steps <= typical
    }


def _year_of(frequency: Frequency) -> int | None:
    """The steps of a year, None where it has fewer than two or none are known."""
    if frequency.kind == "integer":
        return None
    if frequency.kind == "month":
        steps = 12 / frequency.size
    elif frequency.kind == "business":
        steps = _WORKING_DAYS_OF_YEAR / frequency.size
    else:
        steps = _DAYS_OF_YEAR * DAY / frequency.size
    return int(steps) if steps >= 2 else None


def _choose_test(
    ordered: Tensor, typical: int, horizon: int, cycles: dict[int, str], val: int, usual: int
) -> tuple[int, str]:
    """The largest of some sizes that leaves most series half of themselves, and why that size.

    ordered: (S,) lengths, shortest first. usual: the size where even a tenth would take too much
    of the shorter series.
    """
    tenth, cycle = typical // _SHARE, max(cycles, default=0)
    sizes = {usual: "one horizon" if usual == horizon else "ten horizons"}
    sizes[max(horizon, tenth)] = "a tenth of it" if tenth >= horizon else "one horizon"
    if cycle > max(horizon, tenth):
        sizes[cycle] = cycles[cycle]
    elif cycle and tenth >= horizon:
        sizes[tenth] += f", which holds {cycles[cycle]}"
    short = _tenth_percentile(ordered, horizon) or typical
    size = next((n for n in sorted(sizes, reverse=True) if 2 * (n + val) <= short), usual)
    why = sizes[size]
    if size < max(sizes):
        why += f"; more would take half of the shorter series ({short:,} steps)"
    return size, why


def _tenth_percentile(ordered: Tensor, horizon: int) -> int | None:
    """A length that nine of ten series reach, of those that could hold out two horizons."""
    able = ordered[ordered >= 4 * horizon]
    return int(able[len(able) // 10]) if len(able) else None


def _choose_stride(panel: Panel, size: int, horizon: int, cycles: Collection[int]) -> int:
    """The least stride that keeps within `_MOST_VALUES` and meets every phase of each cycle.

    A power of two where one does: the stack then skips most of the steps between two origins, see
    `TemporalStack`. Where no cycle is known, those of seasons that the data may have count: the
    finder looks at the training part, which is chosen after this.
    """
    if size == 0:
        return 1
    n_origins = (panel.lengths.cpu().clamp_max(size) - horizon + 1).clamp_min(0).sum()
    values = int(n_origins) * horizon * len(panel.targets) * panel.n_rows
    least = max(1, -(-values // _MOST_VALUES))
    seasons = math.prod(cycles) if cycles else _USUAL_FACTORS
    power = 1 << (least - 1).bit_length()
    if math.gcd(power, seasons) == 1:
        return power
    return next(k for k in range(least, least + seasons) if math.gcd(k, seasons) == 1)


def _check_sizes(split: SplitConfig, horizon: int) -> None:
    """Raise ConfigError for sizes and a stride that cannot be."""
    for name in ("train_size", "val_size", "test_size"):
        size = getattr(split, name)
        if size is not None and size < 0:
            raise ConfigError(f"`split.{name}` (={size}) must not be negative")
        if size and name != "train_size" and size < horizon:
            raise ConfigError(
                f"`split.{name}` (={size}) must be 0 or at least `horizon` (={horizon}), "
                f"or no forecast could be scored in it"
            )
    if split.val_origins is not None and split.val_origins < 1:
        raise ConfigError(f"`split.val_origins` (={split.val_origins}) must be at least 1, or null")
    for name in ("test_stride", "val_stride"):
        stride = getattr(split, name)
        if stride is not None and stride < 1:
            raise ConfigError(f"`split.{name}` (={stride}) must be at least 1")
