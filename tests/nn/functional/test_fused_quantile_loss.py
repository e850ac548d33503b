"""The fused quantile loss: value and gradients of the readable form, whatever the blocks."""

import dataclasses

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from tsconv.nn.functional import fused_quantile_loss as module
from tsconv.nn.functional.fused_quantile_loss import OriginUnits, fused_quantile_loss
from tsconv.nn.functional.references import fused_quantile_loss_reference

LEVELS = [(0.5,), (0.1, 0.5, 0.9), (0.5, 0.9), (0.05, 0.3, 0.5), (0.1, 0.2, 0.5, 0.6, 0.7, 0.99)]


@dataclasses.dataclass
class Case:
    leaves: dict[str, Tensor]  # state, weight, bias, centre, spread
    target: Tensor
    mask: Tensor
    units: OriginUnits
    quantiles: tuple[float, ...]

    def fused(self, compiling: bool = False) -> Tensor:
        v = self.leaves
        head = (v["state"], v["weight"], v["bias"], v["centre"], self.target, self.mask, self.units)
        return fused_quantile_loss(*head, self.quantiles, v.get("spread"), compiling)

    def reference(self) -> Tensor:
        v, n = self.leaves, len(self.quantiles)
        centre, spread = v["centre"], v.get("spread")
        raw = (v["state"] @ v["weight"].t() + v["bias"]).unflatten(-1, (n, *centre.shape[-2:]))
        parts = [r if spread is None else r + spread for r in raw.unbind(-3)]
        middle = self.quantiles.index(0.5)
        parts[middle] = raw.unbind(-3)[middle]
        horizon = centre.shape[-1]
        y, share = (
            torch.stack([v[..., o : o + horizon] for o in range(centre.shape[-3])], -3)
            for v in (self.target, self.mask)
        )
        units = self.units
        return fused_quantile_loss_reference(
            parts,
            centre,
            (y - units.shift) * units.factor,
            units.scale,
            share * units.weight,
            self.quantiles,
        )

    def gradients(self, loss: Tensor) -> list[Tensor]:
        return list(torch.autograd.grad(3 * loss, list(self.leaves.values())))


def case(
    lead: tuple[int, ...],
    origins: int,
    targets: int,
    horizon: int,
    quantiles: tuple[float, ...],
    spread: bool,
    dtype: torch.dtype = torch.float64,
) -> Case:
    torch.manual_seed(origins + horizon)
    n, channels = len(quantiles), 3

    def drawn(*shape: int) -> Tensor:
        return torch.randn(*shape, dtype=dtype)

    leaves = {
        "state": drawn(*lead, origins, channels),
        "weight": drawn(n * targets * horizon, channels),
        "bias": drawn(n * targets * horizon),
        "centre": drawn(*lead, origins, targets, horizon),
    }
    if spread and n > 1:  # which a median alone does not use
        leaves["spread"] = drawn(*lead, origins, targets, horizon)
    steps = (*lead, targets, origins - 1 + horizon)
    units = [drawn(*lead, origins, targets, 1) for _ in range(4)]
    units = [units[0], *(u.abs() for u in units[1:3]), (units[3] > -1).to(dtype)]
    return Case(
        {k: v.requires_grad_() for k, v in leaves.items()},
        drawn(*steps),
        (torch.rand(steps, dtype=dtype) > 0.2).to(dtype),
        OriginUnits(*units),
        quantiles,
    )


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from([(1,), (5,), (2, 3), (2, 1, 4)]),
    st.integers(1, 6),
    st.integers(1, 3),
    st.integers(1, 7),
    st.sampled_from(LEVELS),
    st.booleans(),
)
def test_value_and_gradients_are_those_of_the_readable_form(
    lead: tuple[int, ...],
    origins: int,
    targets: int,
    horizon: int,
    quantiles: tuple[float, ...],
    spread: bool,
) -> None:
    one = case(lead, origins, targets, horizon, quantiles, spread)
    loss, expected = one.fused(), one.reference()
    torch.testing.assert_close(loss, expected, rtol=1e-9, atol=1e-9)
    for found, wanted in zip(one.gradients(loss), one.gradients(expected), strict=True):
        torch.testing.assert_close(found, wanted, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("origins", [1, 3, 7, 1000])
def test_blocks_of_any_size_give_the_same(origins: int, monkeypatch: pytest.MonkeyPatch) -> None:
    one = case((2, 6), 5, 2, 4, (0.1, 0.5, 0.9), True)
    whole = one.gradients(one.fused())
    monkeypatch.setattr(module, "_BLOCK_ORIGINS", origins)
    for found, wanted in zip(one.gradients(one.fused()), whole, strict=True):
        torch.testing.assert_close(found, wanted)


def test_products_run_in_the_type_of_autocast_and_gradients_in_that_of_what_they_are_of() -> None:
    one = case((4,), 6, 1, 5, (0.1, 0.5, 0.9), False, torch.float32)
    exact = one.gradients(one.fused())
    with torch.autocast("cpu", torch.bfloat16):
        loss = one.fused()
    narrow = one.gradients(loss)
    assert loss.dtype == torch.float32
    for found, wanted, given_ in zip(narrow, exact, one.leaves.values(), strict=True):
        assert found.dtype == given_.dtype
        assert not torch.equal(found, wanted)
        assert (found - wanted).norm() < 0.2 * wanted.norm()  # an error's sign may be another


def test_compiled_blocks_give_what_eager_ones_give() -> None:
    one = case((4,), 6, 1, 5, (0.1, 0.5, 0.9), True, torch.float32)
    loss = one.fused(compiling=True)
    torch.testing.assert_close(loss, one.fused())
    for found, wanted in zip(one.gradients(loss), one.gradients(one.fused()), strict=True):
        torch.testing.assert_close(found, wanted)


def test_outputs_far_out_have_finite_gradients() -> None:
    one = case((1,), 2, 1, 3, (0.1, 0.5, 0.9), False, torch.float32)
    for far in (-200.0, 200.0):
        one.leaves["bias"] = torch.full_like(one.leaves["bias"], far).requires_grad_()
        assert all(v.isfinite().all() for v in one.gradients(one.fused()))
