"""How forecast errors depend on each other: templates of their places in past forecasts.

Quantiles of single steps say nothing of sums: these depend on whether errors come together. A
template has, for one past time, the place of what was observed in its forecast, of every series,
target, row and step: it is an empirical copula, which sample paths take their order from, as the
Schaake shuffle does (Clark et al. 2004, The Schaake shuffle: a method for reconstructing space-time
variability in forecasted precipitation and temperature fields).

Places are kept as they are, not as ranks among the templates: these would take an error that all
templates share, such as a year above all forecasts, for the middle. Samples are ordered by
templates and by their mirror images, since above is as likely as below where forecasts are right.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

_KEYS = ("pit", "series", "span")
_HORIZONS = 2.0  # as many horizons of templates count as much as what all series share
_BYTES = 16_000_000  # of all templates


@dataclasses.dataclass(frozen=True)
class Dependence:
    """N templates of K series of the training, T targets, H rows and h steps of the horizon.

    `pit` are probability integral transforms (shares of the forecast distribution below what was
    observed) in 255 classes of one width, 1 to 255; none is missing.
    """

    pit: Tensor  # (N, K, T, H, h) uint8
    series: Tensor  # (K,) int64 the number of each series in the training
    span: int  # steps from the first to the last template

    @property
    def donor_share(self) -> float:
        """The share of samples in which every series has the template of another one.

        Templates that overlap repeat each other: of few horizons, those of a series alone say too
        little. Then more samples take a time at which each series has the template of the series
        a number of places further, the same number for all: the share is 2 / (2 + horizons).

        >>> pit = torch.ones(13, 5, 1, 1, 12, dtype=torch.uint8)
        >>> Dependence(pit, torch.arange(5), span=12).donor_share
        0.5
        """
        if len(self.series) == 1:
            return 0.0
        return _HORIZONS / (_HORIZONS + 1 + self.span / self.pit.shape[-1])

    def places(self, ids: Sequence[str], trained: Sequence[str]) -> Tensor:
        """Which of the K series each of some ids takes its templates from: (S,).

        trained: the ids of the training, in order. One that it had not, or that has no templates,
        gets those of a series that a hash of its id chooses, always the same.
        """
        kept = [trained[int(s)] for s in self.series]
        return places_of(ids, kept)

    def state(self) -> dict[str, Tensor]:
        """Its tensors by name, to be stored; see `from_state`."""
        return {"pit": self.pit, "series": self.series, "span": torch.tensor(self.span)}

    @classmethod
    def from_state(cls, state: Mapping[str, Tensor]) -> Dependence:
        """What `state` has given; raises ValueError where it cannot be that.

        >>> one = Dependence(torch.ones(1, 1, 1, 1, 2, dtype=torch.uint8), torch.arange(1), 0)
        >>> Dependence.from_state(one.state()).pit.shape
        torch.Size([1, 1, 1, 1, 2])
        """
        if sorted(state) != sorted(_KEYS):
            raise ValueError(f"the dependence has {sorted(state)} instead of {sorted(_KEYS)}")
        pit, series = state["pit"], state["series"].long()
        if pit.dim() != 5 or pit.dtype != torch.uint8 or 0 in pit.shape or not bool(pit.all()):
            raise ValueError("`pit` of the dependence has not five axes of classes from 1 to 255")
        if series.shape != pit.shape[1:2]:
            raise ValueError("`series` of the dependence has not an entry for each of `pit`")
        return cls(pit, series, int(state["span"]))


def places_of(names: Sequence[str], known: Sequence[str]) -> Tensor:
    """The place of each name among the known ones; of others one that a hash chooses: (S,).

    >>> places_of(["b", "a"], ["a", "b"])
    tensor([1, 0])
    """
    number = {name: i for i, name in enumerate(known)}
    return torch.tensor([number.get(name, name_hash(name) % len(known)) for name in names])


def name_hash(name: str) -> int:
    """A number of 64 bits that a name always has, on every machine.

    >>> name_hash("a") % 100
    28
    """
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "little")


class DependenceCollector:
    """Picks the templates out of the scores of dense batches, for `Dependence`.

    Args:
        origins: (S, N) of `template_origins`.
        n_targets, n_rows, horizon: of the panel and the forecasts.

    Of a panel so large that its templates take more than 16 MB, series evenly spread are kept.

    >>> collector = DependenceCollector(torch.tensor([[3, 5]]), 1, 1, horizon=2)
    >>> scores = torch.zeros(1, 1, 1, 4, 2)  # of the origins 2, 3, 4 and 5
    >>> collector.add(torch.tensor([0]), torch.tensor([2]), 1, scores)
    >>> collector.finish().pit.shape
    torch.Size([2, 1, 1, 1, 2])
    """

    def __init__(self, origins: Tensor, n_targets: int, n_rows: int, horizon: int) -> None:
        n = origins.shape[1]
        series = (origins >= 0).any(1).nonzero().flatten() if n else torch.arange(0)
        most = max(1, _BYTES // max(1, n * n_targets * n_rows * horizon))
        if len(series) > most:
            series = series[torch.linspace(0, len(series) - 1, most).long()]
        self._origins, self._series = origins, series
        self._column = torch.full((len(origins),), -1)
        self._column[series] = torch.arange(len(series))
        shape = (n, len(series), n_targets, n_rows, horizon)
        self._pit = torch.zeros(shape, dtype=torch.uint8)  # 0 for what is not known

    def add(self, series: Tensor, first: Tensor, stride: int, scores: Tensor) -> None:
        """Add the scores of a batch; those of other origins than the templates' are left.

        series: (B,); first: (B,) the step of each first origin, the next ones `stride` steps apart.
        scores: (B, T, H, O, h) normal scores of what was observed, NaN where nothing was.
        """
        series, first = series.cpu(), first.cpu()
        column = self._column[series]
        wanted = self._origins[series]  # (B, N)
        at = torch.div(wanted - first[:, None], stride, rounding_mode="floor")
        found = (wanted >= 0) & ((wanted - first[:, None]) % stride == 0) & (column[:, None] >= 0)
        b, n = (found & (at >= 0) & (at < scores.shape[3])).nonzero(as_tuple=True)
        picked = scores[b.to(scores.device), :, :, at[b, n].to(scores.device)]  # (M, T, H, h)
        share = torch.special.ndtr(picked.double())
        classes = (share * 255).floor().clamp(0, 254) + 1
        self._pit[n, column[b]] = torch.where(share.isnan(), 0, classes).to("cpu", torch.uint8)

    def tensors(self) -> list[Tensor]:
        """What several ranks, which add other batches each, put together by a sum."""
        return [self._pit]

    def finish(self) -> Dependence | None:
        """The dependence; None where no template has an observed value.

        What a template lacks is filled: a step by the nearest of the same forecast, a whole
        forecast by that of another series in the same row at the same time, or by one drawn at
        random of the same series; a series that lacks all is left out.
        """
        known = (self._pit > 0).flatten(2).any(2)  # (N, K)
        templates, columns = known.any(1), known.any(0)
        if not templates.any():
            return None
        pit = self._pit[templates][:, columns]
        fill_steps(pit)
        _fill_forecasts(pit)
        origins = self._origins[self._series[columns]][:, templates]
        some = origins >= 0
        begin = origins.masked_fill(~some, torch.iinfo(torch.int64).max).amin(1)
        span = int((origins.amax(1) - begin)[some.any(1)].median())
        return Dependence(pit, self._series[columns], span)


def fill_steps(pit: Tensor) -> None:
    """Give steps without a value (0) that of the nearest step, the earlier of two, in place.

    >>> pit = torch.tensor([0, 7, 0, 0, 0, 9], dtype=torch.uint8)
    >>> fill_steps(pit)
    >>> pit
    tensor([7, 7, 7, 7, 9, 9], dtype=torch.uint8)
    """
    horizon = pit.shape[-1]
    gap = (pit == 0).any(-1) & (pit > 0).any(-1)
    some = pit[gap]  # (M, h)
    step = torch.arange(horizon).expand(some.shape)
    before = torch.where(some > 0, step, -horizon * 2).cummax(-1).values
    after = torch.where(some > 0, step, horizon * 3).flip(-1).cummin(-1).values.flip(-1)
    nearest = torch.where(step - before <= after - step, before, after)
    pit[gap] = some.gather(-1, nearest)


def _fill_forecasts(pit: Tensor) -> None:
    """Give whole forecasts without a value those of others, in place; see `finish`."""
    there = pit[..., 0] > 0  # (N, K, T, H)
    generator = torch.Generator().manual_seed(0)
    k = torch.arange(pit.shape[1])
    # The donor of a series is the same at all times as far as can be: a typical member then.
    choice = torch.randint(0, 2**31, k.shape, generator=generator)
    partial = ~there.all(1)  # (N, T, H)
    for n, c, h in partial.nonzero().tolist():
        donors = there[n, :, c, h].nonzero().flatten()
        lacking = (~there[n, :, c, h]).nonzero().flatten()
        if len(donors):
            pit[n, lacking, c, h] = pit[n, donors[choice[lacking] % len(donors)], c, h]
            continue
        times = there[:, :, c, h].any(1).nonzero().flatten()
        if len(times):  # at another time, where the row has a forecast of any series
            other = int(times[int(torch.randint(len(times), (1,), generator=generator))])
            donors = there[other, :, c, h].nonzero().flatten()
            pit[n, :, c, h] = pit[other, donors[choice % len(donors)], c, h]
        else:
            shape = (pit.shape[1], pit.shape[-1])
            drawn = torch.randint(1, 256, shape, generator=generator)
            pit[n, :, c, h] = drawn.to(torch.uint8)
