"""Why a forecast is what it is: the median as a sum of parts that have a name.

A network's median is the level of the context, plus what the linear branch makes of each stretch
of the context, plus what each covariate known ahead adds, plus what the head makes of the state.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from tsconv.errors import ConfigError, require_positive
from tsconv.model.covariate_encoder import CovariateBatch
from tsconv.model.ensemble import Network
from tsconv.model.network import ForecastNet
from tsconv.model.prediction import OriginInputs
from tsconv.model.spec import NetSpec

_MOST_SEASONS = 7  # of the context that have a component of their own


def median_components(
    net: Network,
    x: Tensor,
    mask: Tensor,
    n_origins: int = 1,
    row_index: Tensor | None = None,
    covariates: CovariateBatch | None = None,
    season: int | None = None,
    names: Sequence[str] = (),
) -> dict[str, Tensor]:
    """The median forecasts of the last `n_origins` steps as named parts that add up to them.

    Each part is (B, T, H, O, horizon), or (B, T, O, horizon) for an x of three axes, in the units
    of x. In this order:

    - `level`: the mean of the origin's context; whoever took an offset from x adds it here.
    - `last-season`, `2-seasons-back`, ..., up to seven, and `rest-of-context`: what the linear
      branch makes of these steps of the context, less the context's mean. Without a season:
      `context`. Where covariates explain a part of the context, the branch sees what is left, and
      so do these parts.
    - `covariate-<name>` and `calendar-<name>`: what is known of the horizon adds by itself,
      counted from its mean over the context's observed steps.
    - `state-covariate-<name>` and `state-calendar-<name>`: what it adds by its product with the
      state at the origin, counted in the same way; not without a stack.
    - `stack`: what the head makes of the state, and the state of an average step's covariates;
      without a stack a constant of each step of the horizon. Past and static covariates act here.

    Covariates meet in a hidden layer; what each has of it is its integrated gradient from the mean
    step of the context, see `CovariateEncoder.shares`: what is as it always was adds nothing. The
    parts of an ensemble are the weighted averages of its networks' parts, 0 where a network has
    none of that name.

    net: call `eval()` first, else dropout makes every pass another. x, mask, n_origins, row_index,
    covariates: as the network takes them. season: steps of the main season; None: none. names: of
    the future covariates, categories first; by default `1`, `2`, ...

    Raises ConfigError where the network would, for a network of counts, whose median is no sum, for
    a season below 1, and for a wrong number of names or one that occurs twice.

    >>> import torch
    >>> net = ForecastNet(NetSpec(horizon=2, context_length=14, hidden=4, levels=2)).eval()
    >>> x = torch.randn(4, 1, 40)
    >>> parts = median_components(net, x, torch.ones_like(x), n_origins=9, season=7)
    >>> [*parts], parts["level"].shape
    (['level', 'last-season', '2-seasons-back', 'stack'], torch.Size([4, 1, 9, 2]))
    """
    if net.whole:
        raise ConfigError(
            f"`components` need a head whose median is a sum of parts, and that of head="
            f"{net.spec.head} is none: train with head=quantile"
        )
    if season is not None:
        require_positive(season=season)
    names = _checked_names(net.spec, names)
    if isinstance(net, ForecastNet):
        return _parts_of_net(net, x, mask, n_origins, row_index, covariates, season, names)[0]
    sums: dict[str, Tensor] = {}
    total: Tensor | None = None
    inputs = net.member_inputs(x, mask, row_index, covariates)
    for member, weight, (seen, rows, given) in zip(net.members, net.weights, inputs, strict=True):
        parts, known = _parts_of_net(member, x, seen, n_origins, rows, given, season, names)
        used = weight * known.to(x.dtype).unsqueeze(-1)
        total = used if total is None else total + used
        for key, part in parts.items():
            sums[key] = sums[key] + used * part if key in sums else used * part
    assert total is not None  # there is a network
    total = total.masked_fill(total == 0, 1)
    return {key: sums[key] / total for key in _order(net.spec, names) if key in sums}


def _parts_of_net(
    net: ForecastNet,
    x: Tensor,
    mask: Tensor,
    n_origins: int,
    row_index: Tensor | None,
    covariates: CovariateBatch | None,
    season: int | None,
    names: Sequence[str],
) -> tuple[dict[str, Tensor], Tensor]:
    """The parts of one network, and where its context holds an observation: (B, T, H, O)."""
    inputs = net.inputs(x, mask, n_origins, row_index, covariates)
    parts = _standardised_parts(net, inputs, season, names)
    sigma, mu = inputs.scale.sigma.unsqueeze(-1), inputs.scale.mu.unsqueeze(-1)
    out = {"level": mu.expand(*mu.shape[:-1], net.spec.horizon)}
    out |= {key: sigma * part for key, part in parts.items()}
    known = net.as_given(inputs.scale.n_observed > 0, x.ndim)
    return {key: net.as_given(part, x.ndim) for key, part in out.items()}, known


def _standardised_parts(
    net: ForecastNet, inputs: OriginInputs, season: int | None, names: Sequence[str]
) -> dict[str, Tensor]:
    """All parts but the level, in units of each origin's spread: (H, T, B, O, horizon)."""
    out: dict[str, Tensor] = {}
    if net.linear is not None:
        for key, steps in context_stretches(net.spec.context_length, season).items():
            out[key] = net.centre(inputs, steps)
    stack = net.of_state(inputs)
    if net.covariates is not None and inputs.given is not None and inputs.effects is not None:
        shares, rest = net.covariates.shares(
            inputs.given, inputs.effects, inputs.mask, inputs.state, inputs.row_index
        )
        direct: dict[str, Tensor] = {}
        joint: dict[str, Tensor] = {}
        for name, share in zip(_columns(net.spec, names), shares, strict=True):
            for found, part in ((direct, share.direct), (joint, share.with_state)):
                found[name] = found[name] + part if name in found else part
        out |= direct
        if net.stack is not None:  # else the state is 0, and so are these
            out |= {f"state-{name}": part for name, part in joint.items()}
        stack = stack + rest
    return out | {"stack": stack}


def context_stretches(context_length: int, season: int | None) -> dict[str, slice]:
    """The stretches of a context that have a part of their own, the last one first.

    context_length, season: steps. The slices count from the context's first step.

    >>> context_stretches(20, 8)  # doctest: +NORMALIZE_WHITESPACE
    {'last-season': slice(12, 20, None), '2-seasons-back': slice(4, 12, None),
     'rest-of-context': slice(0, 4, None)}
    """
    if season is None:
        return {"context": slice(0, context_length)}
    out: dict[str, slice] = {}
    first = context_length
    for back in range(1, min(_MOST_SEASONS, context_length // season) + 1):
        key = "last-season" if back == 1 else f"{back}-seasons-back"
        out[key] = slice(first - season, first)
        first -= season
    return out | ({"rest-of-context": slice(0, first)} if first else {})


def is_component(key: str) -> bool:
    """Whether a part of a forecast may have this key.

    >>> is_component("last-season"), is_component("covariate-price"), is_component("lo-80")
    (True, True, False)
    """
    fixed = {"level", "context", "stack", "bounds", *context_stretches(_MOST_SEASONS + 1, 1)}
    named = key.removeprefix("state-").startswith(("covariate-", "calendar-"))
    return key in fixed or named


def _checked_names(spec: NetSpec, names: Sequence[str]) -> tuple[str, ...]:
    """A name for each future covariate; raises ConfigError for others than that many."""
    wanted = len(spec.future_categories) + spec.n_future
    if not names:
        return tuple(str(i + 1) for i in range(wanted))
    if len(names) != wanted or len(set(names)) != wanted:
        raise ConfigError(
            f"`names` (={list(names)}) must be a different one for each of {wanted} future "
            f"covariates"
        )
    return tuple(names)


def _columns(spec: NetSpec, names: Sequence[str]) -> list[str]:
    """The key of each column known ahead: a calendar feature has two columns."""
    circles = [f"calendar-{name}" for name in spec.calendar for _ in range(2)]
    return [f"covariate-{name}" for name in names] + circles


def _order(spec: NetSpec, names: Sequence[str]) -> list[str]:
    """The keys of all parts that networks of this joined spec may have, in order."""
    columns = list(dict.fromkeys(_columns(spec, names)))
    seasons = context_stretches(_MOST_SEASONS + 1, 1)
    states = [f"state-{name}" for name in columns]
    return ["level", "context", *seasons, *columns, *states, "stack"]
