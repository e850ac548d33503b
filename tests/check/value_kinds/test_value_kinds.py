"""What kind of values a target has is told where it is clear, and not of ordinary measurements."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from tsconv.check.suggestions.suggestion import NO_SUGGESTION
from tsconv.check.tables.array_types import Floats
from tsconv.check.value_kinds.counts import are_counts
from tsconv.check.value_kinds.demand import Demand, demand_of, excess_zeros
from tsconv.check.value_kinds.facts import often_met
from tsconv.check.value_kinds.groups import group_facts
from tsconv.check.value_kinds.section import values_section
from tsconv.check.value_kinds.suggest import (
    COUNTS,
    HEAVY_TAILS,
    MANY_ZEROS,
    has_head,
    suggest_for_values,
)
from tsconv.check.value_kinds.tails import has_heavy_tails, tail_weight
from tsconv.config.compose import train_config
from tsconv.config.schema import DataConfig
from tsconv.data.panel.panel import Panel, build_panel
from tsconv.data.reading.read import table_from_frame

Draw = Callable[[np.random.Generator, int], Floats]
_YEAR = 2 * np.pi * np.arange(100_000) / 365


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def poisson(g: np.random.Generator, n: int) -> Floats:
    return g.poisson(4, n).astype(float)


def negative_binomial(g: np.random.Generator, n: int) -> Floats:
    return g.negative_binomial(2, 0.2, n).astype(float)


def inflated(g: np.random.Generator, n: int) -> Floats:
    return np.where(g.random(n) < 0.45, 0.0, g.poisson(20, n))


def degrees(g: np.random.Generator, n: int) -> Floats:
    """Daily maxima in whole degrees Celsius, of a place where it hardly freezes."""
    weather = np.convolve(g.normal(size=n + 20), 0.7 ** np.arange(20), "valid")[:n]
    return np.round(15 - 9 * np.cos(_YEAR[:n]) + 2 * weather)


def fahrenheit(g: np.random.Generator, n: int) -> Floats:
    return np.round(32 + 1.8 * degrees(g, n))


def prices(g: np.random.Generator, n: int) -> Floats:
    return np.round(80 * np.exp(0.015 * g.normal(size=n).cumsum()))


def hours(g: np.random.Generator, n: int) -> Floats:
    return np.arange(float(n)) % 24


def running_total(g: np.random.Generator, n: int) -> Floats:
    return g.poisson(2, n).cumsum().astype(float)


def flags(g: np.random.Generator, n: int) -> Floats:
    return (g.random(n) < 0.2).astype(float)


def tens(g: np.random.Generator, n: int) -> Floats:
    return 10.0 * g.poisson(5, n)


@pytest.mark.parametrize("draw", [poisson, negative_binomial, inflated])
@pytest.mark.parametrize("n", [200, 3000])
def test_counts_are_counts(draw: Draw, n: int) -> None:
    assert are_counts([draw(rng(), n)])


@pytest.mark.parametrize(
    "draw",
    [degrees, fahrenheit, prices, hours, running_total, flags, tens, lambda g, n: g.normal(size=n)],
)
@pytest.mark.parametrize("n", [200, 3000])
def test_other_whole_numbers_are_none(draw: Draw, n: int) -> None:
    for seed in range(5):
        assert not are_counts([draw(rng(seed), n)])


def test_sparse_counts_of_many_short_series_are_counts_together() -> None:
    members = [rng(s).poisson(0.3 + 0.02 * s, 40).astype(float) for s in range(50)]
    assert are_counts(members)
    assert not are_counts([*members, np.full(40, 0.5)])


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([5, 6, 5, 6], "smooth"), ([1, 20, 1, 20], "erratic"), ([0, 5, 0, 6], "intermittent"),
        ([0, 1, 0, 20], "lumpy"),
    ],
)  # fmt: skip
def test_demand_is_classified_as_by_syntetos_and_boylan(values: list[float], kind: str) -> None:
    demand = demand_of(np.array(values * 5, dtype=float))
    assert demand is not None
    assert demand.kind == kind
    assert Demand(1.32, 0.49).kind == "lumpy"  # the limits belong to the upper classes
    assert demand_of(np.array([-1.0, 2.0])) is None
    assert demand_of(np.zeros(9)) is None


def test_zeros_of_a_closed_day_are_no_excess() -> None:
    sold = rng().poisson(20, 700).astype(float)
    sold[::7] = sold[1::7] = sold[2::7] = 0
    assert excess_zeros(sold, 1) > 0.3
    assert excess_zeros(sold, 7) == 0
    assert abs(excess_zeros(poisson(rng(), 5000))) < 0.02


def test_bounds_are_met_often_or_not_there() -> None:
    g = rng()
    smooth = g.normal(size=500)
    assert often_met(smooth) is None
    assert often_met(smooth.clip(-1)) == -1
    assert often_met(-np.minimum(100, g.normal(90, 8, 500).round(1))) == -100
    assert often_met(g.normal(size=500).round(1)) is None
    assert often_met(g.poisson(1, 500).astype(float)) is None
    assert often_met(np.zeros(500)) is None


@pytest.mark.parametrize("n", [100, 300, 1000, 10_000, 100_000])
@pytest.mark.parametrize("season", [1, 7])
def test_normal_and_uniform_values_have_no_heavy_tails(n: int, season: int) -> None:
    g = rng(n)
    for _ in range(max(2, 6000 // n)):
        for draw in (
            g.normal(size=n),
            g.random(n),
            g.normal(size=n).cumsum(),
            g.random(n).cumsum(),
        ):
            assert not has_heavy_tails(draw, season)


def test_heavy_tails_and_what_only_looks_like_them() -> None:
    g = rng()
    assert has_heavy_tails(g.standard_t(1.5, 2000).cumsum())
    assert has_heavy_tails(g.standard_cauchy(400))
    calm_and_wild = g.normal(size=4000) * np.where(np.arange(4000) // 500 % 2, 1, 20)
    assert not has_heavy_tails(calm_and_wild)
    day_and_night = g.normal(size=4800) * np.where(np.arange(4800) % 24 < 8, 1, 30)
    assert (tail_weight(day_and_night, 1) or 0) > 5
    assert not has_heavy_tails(day_and_night, 24)


def panel_of(series: dict[str, Floats]) -> Panel:
    parts = [
        pd.DataFrame({"unique_id": name, "ds": np.arange(len(y)), "y": y})
        for name, y in series.items()
    ]
    return build_panel(table_from_frame(pd.concat(parts), DataConfig()))


def suggested(panel: Panel, *overrides: str, season: int = 1) -> dict[str, object]:
    config = train_config(["horizon=3", *overrides])
    return suggest_for_values(config, panel, group_facts(panel, season)).keys


@pytest.fixture
def any_head(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tsconv.check.value_kinds.suggest.has_head", lambda name: True)


@pytest.mark.usefixtures("any_head")
def test_heads_for_counts_many_zeros_and_heavy_tails() -> None:
    g = rng()
    assert suggested(panel_of({"a": poisson(g, 400), "b": negative_binomial(g, 400)})) == {
        "head": COUNTS
    }
    assert suggested(panel_of({"a": inflated(g, 400), "b": inflated(g, 400)})) == {
        "head": MANY_ZEROS
    }
    assert suggested(panel_of({"a": g.standard_cauchy(900)})) == {"head": HEAVY_TAILS}
    assert suggested(panel_of({"a": poisson(g, 400)}), "head=point") == {}


@pytest.mark.usefixtures("any_head")
@pytest.mark.parametrize(
    "draw", [degrees, fahrenheit, prices, hours, running_total, flags, tens,
             lambda g, n: g.poisson(2000, n).astype(float),
             lambda g, n: g.poisson(60, n).astype(float)]
)  # fmt: skip
def test_no_head_and_no_bound_for_ordinary_values(draw: Draw) -> None:
    assert suggested(panel_of({"a": draw(rng(), 1000)})) == {}


@pytest.mark.usefixtures("any_head")
def test_bounds_for_all_or_by_name() -> None:
    g = rng()
    rain = g.gamma(0.5, 8, 500).round(1) * (g.random(500) < 0.4)
    humidity = np.minimum(100, np.maximum(0, g.normal(60, 45, 500))).round(1)
    warm = g.normal(size=500)
    assert suggested(panel_of({"rain": rain})) == {"data.lower": 0}
    assert suggested(panel_of({"rain": rain, "warm": warm})) == {"data.lower": {"rain": 0}}
    assert suggested(panel_of({"rain {mm}": rain, "warm": warm})) == {}  # no name for a mapping
    assert suggested(panel_of({"damp": humidity})) == {"data.lower": 0, "data.upper": 100}
    assert suggested(panel_of({"rain": rain}), "data.lower=-1") == {}
    low = rain.copy()
    low[3] = -0.1
    assert suggested(panel_of({"rain": low})) == {}


def test_values_that_stand_for_missing_do_not_count() -> None:
    values = poisson(rng(), 400)
    values[:9] = -999
    panel = panel_of({"a": values})
    assert not group_facts(panel, 1)[0].counts
    assert group_facts(panel, 1, [-999])[0].counts


def test_the_section_is_short_and_empty_of_ordinary_values() -> None:
    g = rng()
    ordinary = panel_of({"a": g.normal(size=300), "b": degrees(g, 300)})
    assert values_section(group_facts(ordinary, 1), NO_SUGGESTION).lines == []
    (line,) = values_section(group_facts(panel_of({"a": poisson(g, 300)}), 1), NO_SUGGESTION).lines
    assert line[1].endswith("that vary as counts do")


@pytest.mark.parametrize("name", [COUNTS, MANY_ZEROS, HEAVY_TAILS])
def test_the_heads_compose(name: str) -> None:
    if not has_head(name):
        pytest.skip(f"there is no conf/head/{name}.yaml")
    assert train_config(["horizon=3", f"head={name}"]).head.kind != "quantile"
