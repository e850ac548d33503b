"""Gram matrices of the windows that the linear branch sees, summed over dense chunks.

Every origin's window, scaled as the loss weighs it, is one equation of a least-squares problem. The
sums of its products are all that a ridge regression needs, so one dense pass serves every strength
and every way of sharing the map.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from tsconv.data.batches.chunks import Batch, gather, sampled_tiles, tiles
from tsconv.data.batches.origin_range import OriginRange
from tsconv.data.batches.share import shared_batches
from tsconv.data.panel.panel import Panel
from tsconv.nn.scaling import causal_scale

_VALUES_AT_ONCE = 2_000_000  # of windows in a block; bounds memory, not results
_MOST_IN_FLOAT64 = 1e9  # multiplications of a pass; beyond, products are of float32
_MOST_PRODUCTS = 40e9  # multiplications of a pass; beyond it only every k-th origin is taken
_MOST_STEPS = 4_000_000  # of all series in a pass; beyond it only some stretches are gone over
MOST_GAP_VALUES = 40_000_000  # of windows with missing targets that are held
_MOST_IN_TURN = 32  # members of a block whose products are added one by one
_MOST_IN_CHUNK = 4096  # origins of a chunk


class Explained(NamedTuple):
    """What covariates explain of a batch, in units of each origin's spread, as `Effects` has it."""

    of_steps: Tensor  # (B, T, H, K - 1 + O)
    mean: Tensor  # (B, T, H, O)
    inv_scale: Tensor  # (B, T, H, O)
    shift: Tensor  # (B, T, H, O, horizon)


Explain = Callable[[Batch], Explained]


@dataclasses.dataclass(frozen=True)
class Grouping:
    """Whose equations are summed apart: those that may get a map of their own."""

    members: str = "none"  # none, rows or series
    targets: bool = False  # whether each target has maps of its own

    def shape(self, panel: Panel) -> tuple[int, int]:
        """The numbers of members M and of targets T."""
        members = {"none": 1, "rows": panel.n_rows, "series": len(panel)}[self.members]
        return members, len(panel.targets) if self.targets else 1


@dataclasses.dataclass(frozen=True)
class Gaps:
    """Origins of one member and target that miss a part of their targets."""

    member: int
    target: int
    u: Tensor  # (N, K)
    absent: Tensor  # (N, horizon) 1 where the target does not count


@dataclasses.dataclass(frozen=True)
class Equations:
    """Some origins as equations `u . a_j = r_j`; N of them for each member and target."""

    members: Tensor  # (M,) numbers of the members
    u: Tensor  # (M, T, N, K) windows around their mean, in units of the loss; 0 where missing
    r: Tensor  # (M, T, N, horizon) targets around the same mean, in the same units; 0 where missing
    seen: Tensor  # (M, T, N, horizon) 1 where the target counts
    spread: Tensor  # (M, T, N) trailing spread of each origin in those units

    def gaps(self) -> Iterator[Gaps]:
        """The origins that miss a part of their targets."""
        counts = self.seen.sum(-1)
        partial = (counts > 0) & (counts < self.seen.shape[-1])  # (M, T, N)
        for m, c in partial.any(-1).nonzero().tolist():
            some = partial[m, c]
            yield Gaps(int(self.members[m]), c, self.u[m, c, some], 1 - self.seen[m, c, some])


@dataclasses.dataclass(frozen=True)
class Gram:
    """Sums over origins, in float64, for M members and T targets; K steps of context."""

    uu: Tensor  # (M, T, K, K)
    ur: Tensor  # (M, T, K, horizon), targets that are missing left out
    rr: Tensor  # (M, T, horizon)
    count: Tensor  # (M, T, horizon) targets that count
    origins: Tensor  # (M, T) origins with a target that counts
    gaps: tuple[Gaps, ...] = ()  # none where they are too many to be held

    def over_targets(self) -> Gram:
        """The sums over all targets, as one target."""
        return self._summed(1, tuple(dataclasses.replace(g, target=0) for g in self.gaps))

    def over_members(self) -> Gram:
        """The sums over all members, as one member."""
        return self._summed(0, tuple(dataclasses.replace(g, member=0) for g in self.gaps))

    def _summed(self, axis: int, gaps: tuple[Gaps, ...]) -> Gram:
        uu, ur, rr, count, origins = (
            v.sum(axis, keepdim=True) for v in (self.uu, self.ur, self.rr, self.count, self.origins)
        )
        return Gram(uu, ur, rr, count, origins, gaps)

    @property
    def missing_share(self) -> float:
        """The share of targets that are missing where an origin has others."""
        whole = self.origins.sum() * self.count.shape[-1]
        return float(1 - self.count.sum() / whole.clamp_min(1))

    def filled(self) -> Tensor:
        """`ur` as if no target were missing, by the share of origins that have it."""
        share = self.origins.unsqueeze(-1) / self.count.clamp_min(1)  # (M, T, horizon)
        return self.ur * share.unsqueeze(-2)


def spread_stride(least: float) -> int:
    """Every how many origins to take one: at least so many, and no multiple of a common season.

    >>> spread_stride(0.3), spread_stride(23.5)
    (1, 25)
    """
    stride = max(1, math.ceil(least))
    while stride > 1 and any(stride % factor == 0 for factor in (2, 3, 7)):
        stride += 1
    return stride


def values_at_once(context_length: int) -> int:
    """How many values of windows and targets a block has: enough to repay adding up its sums.

    >>> values_at_once(72), values_at_once(1000)
    (2000000, 16000000)
    """
    return max(_VALUES_AT_ONCE, 16 * context_length**2)


def in_float64(products: float) -> bool:
    """Whether so many multiplications of a pass are of float64.

    >>> in_float64(1e6)
    True
    """
    return products <= _MOST_IN_FLOAT64


@dataclasses.dataclass(frozen=True)
class Regression:
    """A least-squares problem over the origins of a panel.

    panel lies on the CPU. inv_scale: (S, T, H) one over the spread of each series' training part,
    in which the loss counts errors; None: in units of the trailing spread at each origin. explain:
    what covariates explain of a batch, which is taken off first. dtype: of the products.
    """

    panel: Panel
    context_length: int  # K, steps
    horizon: int  # steps
    inv_scale: Tensor | None
    grouping: Grouping = Grouping()
    explain: Explain | None = None
    dtype: torch.dtype = torch.float64

    def stride(self, origins: OriginRange) -> int:
        """Every how many origins a pass takes one, to stay within a few seconds."""
        return spread_stride(self.share(origins) * self._products(origins) / _MOST_PRODUCTS)

    def share(self, origins: OriginRange) -> float:
        """The share of the stretches of some origins that a pass goes over: 1 but of many steps.

        It is a fixed sample of series and times. Where each series is solved for, all of them.
        """
        if self.grouping.members == "series":
            return 1.0
        return min(1.0, _MOST_STEPS / max(1, int(origins.spans.sum())))

    def with_dtype(self, origins: OriginRange) -> Regression:
        """The same in float32 where float64 would take seconds; sums are float64 either way."""
        small = in_float64(self._products(origins))
        return self if small else dataclasses.replace(self, dtype=torch.float32)

    def _products(self, origins: OriginRange) -> float:
        """Multiplications of a pass over all of some origins."""
        sides = len(self.panel.targets) * self.panel.n_rows
        each = self.context_length * (self.context_length + self.horizon)
        return float(origins.counts.sum()) * sides * each

    def equations(self, origins: OriginRange, stride: int = 1) -> Iterator[Equations]:
        """Yield every stride-th origin of a part of the split, in blocks that bound memory.

        Targets at or after the part's end do not count.
        """
        panel = self.panel
        sides = len(panel.targets) * panel.n_rows
        per_origin = sides * (self.context_length + 2 * self.horizon)
        at_once = values_at_once(self.context_length)
        # What covariates explain is computed at every origin, also at those that are passed over.
        taken = stride if self.explain is None else 1
        most = max(1, at_once * taken // per_origin)
        n_origins = max(1, min(int(origins.spans.max()), _MOST_IN_CHUNK * stride, most))
        n_origins = -(-n_origins // stride) * stride  # each chunk has its origins at the same steps
        chunks = tiles(origins, n_origins)
        share, at_once = self.share(origins), max(1, most // n_origins)
        if share < 1:
            chunks = sampled_tiles(chunks, max(1, round(share * len(chunks[0]))))
        for series, first in shared_batches(chunks, at_once, rank=0, size=1):
            history = self.context_length - 1
            batch = gather(
                panel, origins, series, first, n_origins, history, self.horizon, self.dtype
            )
            yield self._grouped(series, self._windows(batch, stride))

    def _grouped(self, series: Tensor, parts: Sequence[Tensor]) -> Equations:
        """Put (B, T, H, O, ...) into the order of the grouping: (M, T, N, ...)."""
        ordered = []
        for v in parts:
            if not self.grouping.targets:
                v = v.flatten(1, 2).unsqueeze(1)  # targets count as rows
            if self.grouping.members == "series":
                v = v.flatten(2, 3)  # (B, T, H * O, ...)
            elif self.grouping.members == "rows" and self.grouping.targets:
                v = v.transpose(0, 2).flatten(2, 3)  # (H, T, B * O, ...)
            elif self.grouping.members == "rows":  # (B, 1, T * H, O, ...) by row
                v = torch.unflatten(v, 2, (-1, self.panel.n_rows)).movedim(3, 0)
                v = v.flatten(1, 4).unsqueeze(1)  # (H, 1, B * T * O, ...)
            else:
                v = v.transpose(0, 1).flatten(1, 3).unsqueeze(0)  # (1, T, B * H * O, ...)
            ordered.append(v)
        members = torch.arange(len(ordered[0]))
        return Equations(series if self.grouping.members == "series" else members, *ordered)

    def _windows(self, batch: Batch, stride: int) -> tuple[Tensor, ...]:
        """u, r, seen and spread: (B, T, H, O / stride, K or horizon), and the spread without."""
        size, horizon, targets = self.context_length, self.horizon, batch.y.shape[1]
        x, mask = batch.x[:, :targets], batch.mask[:, :targets]
        scale = causal_scale(x, mask, size)
        mu, sigma, inverse, observed = (
            v[..., -batch.n_origins :: stride].unsqueeze(-1) for v in scale
        )  # (B, T, H, O, 1)
        per = inverse
        if self.inv_scale is not None:
            per = self.inv_scale[batch.series, ..., None, None].to(self.dtype).expand_as(inverse)
        usable = batch.valid[:, None, None, ::stride, None] & (observed > 0) & (per > 0)
        seen = batch.y_mask.unfold(-1, horizon, 1)[..., ::stride, :] * usable
        # Where a context has no spread, the forecast is its mean, whatever the map.
        some = ((seen.sum(-1, keepdim=True) > 0) & (inverse > 0)).to(x.dtype)

        def windows(v: Tensor) -> Tensor:
            return v.unfold(-1, size, 1)[..., ::stride, :]  # (B, T, H, O, K), a view

        u = (windows(x) - mu).mul_(per * some)  # in place: it is what takes the time
        r = (batch.y.unfold(-1, horizon, 1)[..., ::stride, :] - mu) * per
        spread = sigma * per
        if self.explain is not None:
            found = self.explain(batch)
            mean, inv_scale = (v[..., ::stride].unsqueeze(-1) for v in found[1:3])
            u -= (windows(found.of_steps) - mean) * (inv_scale * spread * some)
            r = r - found.shift[..., ::stride, :] * spread
        if not bool(mask.all()):
            u *= windows(mask)
        return u, r * seen, seen, spread.squeeze(-1)

    def gram(self, origins: OriginRange, stride: int = 1) -> Gram:
        """Sum the products of all equations in one dense pass."""
        shape, size = self.grouping.shape(self.panel), self.context_length
        uu, ur, rr, count, n = (
            torch.zeros(*shape, *more, dtype=torch.float64)
            for more in ((size, size), (size, self.horizon), (self.horizon,), (self.horizon,), ())
        )
        gaps, room = [], MOST_GAP_VALUES
        for part in self.equations(origins, stride):
            _add_products(uu, part.members, part.u, part.u)
            _add_products(ur, part.members, part.u, part.r)
            for into, value in (
                (rr, part.r.square().sum(-2)),
                (count, part.seen.sum(-2)),
                (n, (part.seen.sum(-1) > 0).sum(-1)),
            ):
                into.index_add_(0, part.members, value.double())
            if room > 0:
                gaps += list(part.gaps())
                room = MOST_GAP_VALUES - sum(g.u.numel() + g.absent.numel() for g in gaps)
        return Gram(uu, ur, rr, count, n, tuple(gaps) if room > 0 else ())


def _add_products(into: Tensor, members: Tensor, u: Tensor, v: Tensor) -> None:
    """Add u' v (M, T, K, X) to the sums of each member, in place."""
    if len(members) > _MOST_IN_TURN or u.dtype != into.dtype:
        into.index_add_(0, members, (u.transpose(-1, -2) @ v).to(into))
        return
    for i, member in enumerate(members.tolist()):
        for c in range(u.shape[1]):
            into[member, c].addmm_(u[i, c].T, v[i, c])  # no product is held beside the sum
