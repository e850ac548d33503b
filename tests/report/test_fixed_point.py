"""Numbers come back from the packed form, close to what they were."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tsconv.report.fixed_point import PackedArray, pack_numbers

SOME = st.one_of(st.none(), st.floats(-1e12, 1e12).filter(lambda v: v == 0 or abs(v) > 1e-12))


def unpacked(packed: PackedArray) -> list[float | None]:
    """What data.js does."""
    exponent, *deltas = packed
    assert exponent is not None
    total, numbers = 0, []
    for delta in deltas:
        total += delta or 0
        numbers.append(None if delta is None else total / 10.0**exponent)
    return numbers


@given(st.lists(SOME))
def test_numbers_come_back_within_half_a_step(values: list[float | None]) -> None:
    back = unpacked(pack_numbers(values, levels=1000))
    assert [v is None for v in back] == [v is None for v in values]
    known = sorted(v for v in values if v is not None)
    if known:
        spread = known[round(0.95 * (len(known) - 1))] - known[round(0.05 * (len(known) - 1))]
        largest = max(abs(known[0]), abs(known[-1]))
        step = (spread or known[-1] - known[0] or largest) / 1000
        allowed = max(
            step * 0.5001, largest * 2e-15
        )  # where no integer of 53 bits tells them apart
        for value, again in zip(values, back, strict=True):
            assert value is None or again is None or abs(value - again) <= allowed


@given(st.lists(st.one_of(st.none(), st.integers(-999, 999))))
def test_integers_of_a_small_range_come_back_as_they_are(values: list[int | None]) -> None:
    assert unpacked(pack_numbers(values, levels=4000)) == values


def test_an_outlier_does_not_flatten_the_others() -> None:
    values = [*(i / 100 for i in range(100)), 1e9]
    back = unpacked(pack_numbers(values, levels=1000))
    assert max(abs(a - (b or 0)) for a, b in zip(values[:100], back, strict=False)) <= 0.001
