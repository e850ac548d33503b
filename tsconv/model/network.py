"""ForecastNet: causal features, the convolution stack, the linear branch and the head.

Everything that it computes at step t depends on steps up to t alone, so one forward over a stretch
of a series yields the forecast of every origin in it. It knows nothing of files, training or
devices.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tsconv.model.covariate_branch import CovariateBranch, require_covariates
from tsconv.model.covariate_encoder import CovariateBatch
from tsconv.model.features import causal_features, n_features
from tsconv.model.linear_branch import LinearBranch
from tsconv.model.prediction import HeadOutput, OriginInputs, Prediction, typical_count
from tsconv.model.spec import NetSpec
from tsconv.model.trailing_filters import TrailingFilters
from tsconv.nn.block import SpatialDropout
from tsconv.nn.heads import Head, make_head
from tsconv.nn.rows import RowLinear, RowNorm, require_rows
from tsconv.nn.scaling import CausalScale, causal_scale
from tsconv.nn.tcn import TemporalStack


class ForecastNet(nn.Module):
    """A causal forecaster on (B, C, H, W), or on (B, C, W) where there are no rows.

    The first channels are targets, the last `n_past` are seen and not forecast. With
    `channels="independent"` each target is forecast from its own past and the past-only channels,
    by the same filters; with "mixed" one state sees all of them and forecasts all targets. What
    rows share is up to `rows` and `cross_row`, what series share where there are no rows to
    `series`, and what the maps of the linear branch share to `maps`. `forward` gives the forecasts
    of the last `n_origins` steps. What lies before the given input counts as missing.

    >>> import torch
    >>> from tsconv.model.spec import NetSpec
    >>> net = ForecastNet(NetSpec(horizon=7, context_length=28, quantiles=(0.1, 0.5, 0.9)))
    >>> x = torch.randn(4, 1, 100)  # four series of a hundred steps
    >>> net(x, mask=torch.ones_like(x), n_origins=50).values().shape  # series, ..., quantiles
    torch.Size([4, 1, 50, 7, 3])
    """

    def __init__(self, spec: NetSpec) -> None:
        super().__init__()
        spec.check()
        self.spec = spec
        self.filters = TrailingFilters(spec.smooth, spec.slope)
        self.mixed = spec.channels == "mixed"
        n_targets = (spec.n_targets or 1) if self.mixed else 1  # forecast from one state
        each = n_features(spec.seasonal_lags, self.filters)
        n_inputs = (n_targets + spec.n_past) if self.mixed else 1
        # Series with filters of their own go through the layers as rows do: they lie on that axis.
        self.series_as_rows = spec.series != "shared"
        by_row = spec.filters_by
        self.stem: RowLinear | None = None
        self.stem_past: RowLinear | None = None
        self.stack: TemporalStack | None = None
        self.norm: RowNorm | None = None
        if spec.stack:
            self.stem = RowLinear(n_inputs * each, spec.hidden, **by_row)
            past = spec.n_past * each
            if past and not self.mixed:
                self.stem_past = RowLinear(past, spec.hidden, bias=False, **by_row)
            self.stack = TemporalStack(
                spec.hidden,
                spec.kernel_size,
                spec.levels,
                stacks=spec.stacks,
                skip=spec.skip,
                cross_row=spec.cross_row,
                dropout=spec.dropout,
                activation=spec.activation,
                norm=spec.norm,
                expansion=spec.expansion,
                gated=spec.gated,
                weight_norm=spec.weight_norm,
                **by_row,
            )
            self.norm = RowNorm("layer", spec.hidden, **by_row)
        self.dropout = SpatialDropout(spec.dropout)
        self.linear = LinearBranch.of_spec(spec, n_targets, by_row) if spec.linear else None
        width = n_targets * spec.horizon  # the head gives all targets of a state at once
        self.head: Head = make_head(
            spec.head, spec.hidden, width, spec.quantiles, spec.zero_inflated, **by_row
        )
        self.covariates = (
            CovariateBranch(spec, n_targets, by_row)
            if spec.n_covariates + spec.n_static_covariates
            else None
        )

    @property
    def quantiles(self) -> tuple[float, ...]:
        """Levels of the last axis of a prediction, by default; (0.5,) for a point head."""
        return self.head.quantiles

    @property
    def has_distribution(self) -> bool:
        """Whether the head is a distribution: it then gives any level, and a mean."""
        return self.head.has_distribution

    @property
    def whole(self) -> bool:
        """Whether forecasts are counts: x must be such counts, without an offset."""
        return self.head.whole

    @property
    def by_series(self) -> bool:
        """Whether filters or maps differ by series: `row_index` then numbers a batch's series."""
        return self.spec.by_series

    @property
    def receptive_field(self) -> int:
        """Steps that the convolution stack sees, the origin's own included; 1 without a stack."""
        return 1 if self.stack is None else self.stack.receptive_field

    @property
    def feature_history(self) -> int:
        """Steps before step s that the features of s depend on."""
        if self.stack is None:  # then it is the linear branch that looks back
            return self.spec.context_length - 1
        return max(self.filters.history + self.spec.context_length - 1, *self.spec.seasonal_lags, 0)

    @property
    def history(self) -> int:
        """Steps before an origin on which its forecast depends."""
        return self.receptive_field - 1 + self.feature_history

    def forward(
        self,
        x: Tensor,
        mask: Tensor,
        n_origins: int = 1,
        row_index: Tensor | None = None,
        covariates: CovariateBatch | None = None,
        quantiles: Sequence[float] | None = None,
        stride: int = 1,
    ) -> Prediction:
        """x: (B, C, H, W), finite; mask: the same, 1 where observed. The last steps are origins.

        Give at least `history` steps before the first origin for exact forecasts of a series that
        has them; what is missing in front is padded as unobserved. row_index: (H,) the number of
        each of x's rows in the training, -1 for a row never seen; None: all, in order. Where
        filters or maps differ by series, it is (B,), the numbers of x's series. covariates: those
        of the same steps and of `horizon` more, where the spec has some. quantiles: the levels of
        the prediction; None: `self.quantiles`. stride: every so manieth of the last steps is an
        origin, the last one included. Raises ConfigError where they do not go together, and for a
        level that a head without a distribution was not trained for.
        """
        found = self.head_output(x, mask, n_origins, row_index, covariates, stride)
        return self.prediction(found, quantiles)

    def head_output(
        self,
        x: Tensor,
        mask: Tensor,
        n_origins: int = 1,
        row_index: Tensor | None = None,
        covariates: CovariateBatch | None = None,
        stride: int = 1,
    ) -> HeadOutput:
        """The head's parameters at the last `n_origins` steps: what a likelihood is made of.

        The arguments are those of `forward`. The parameters are in units of `scale`; for counts,
        whose parameters are in those of x, its mu is 0 and its sigma 1.
        """
        inputs = self.inputs(x, mask, n_origins, row_index, covariates, stride)
        parameters = self._of_head(inputs, self.centre(inputs))  # of (H, T, B, O, horizon)
        scale, axes = inputs.scale, x.ndim
        if self.whole:
            one = torch.ones_like(scale.mu)
            scale = CausalScale(torch.zeros_like(one), one, one, scale.n_observed)
        return HeadOutput(
            tuple(self.as_given(v, axes) for v in parameters),
            CausalScale(*(self.as_given(v, axes) for v in scale)),
        )

    def prediction(self, found: HeadOutput, quantiles: Sequence[float] | None = None) -> Prediction:
        """What the head's parameters say: the levels at these quantiles, and the mean."""
        wanted = self.quantiles if quantiles is None else quantiles
        levels = self.head.levels(found.parameters, wanted)
        return Prediction(levels, *found.scale, self.head.mean(found.parameters))

    def inputs(
        self,
        x: Tensor,
        mask: Tensor,
        n_origins: int,
        row_index: Tensor | None,
        covariates: CovariateBatch | None,
        stride: int = 1,
    ) -> OriginInputs:
        """All that the forecasts are made from; the arguments are those of `forward`.

        Raises ConfigError where they do not go together.
        """
        if x.ndim == 3:
            x, mask = x.unsqueeze(2), mask.unsqueeze(2)
        self.spec.check_input(x, mask, n_origins, row_index)
        for layer in (self.stem, self.linear):  # the filters, and the maps
            if layer is not None:
                require_rows(layer, x.shape[0 if self.by_series else 2], row_index)
        if self.covariates is not None:
            require_covariates(self.spec, covariates, x)
        if self.series_as_rows:  # each series of the batch is a row of a single family
            x, mask = x.transpose(0, 2), mask.transpose(0, 2)
            if covariates is not None:
                covariates = CovariateBatch(*(v.transpose(0, 2) for v in covariates))
        excess = x.shape[-1] - self.history - n_origins  # more than is looked at, or too little
        x, mask = (
            F.pad(v, (-excess, 0)).permute(2, 1, 0, 3).contiguous() for v in (x, mask.to(x.dtype))
        )  # (H, C, B, history + O): rows first, as batched products want them
        scale = causal_scale(x, mask, self.spec.context_length)
        targets = x.shape[1] - self.spec.n_past
        given = None
        if self.covariates is not None and covariates is not None:  # one is where the other is
            given = self.covariates.features(covariates, excess)  # (H, B, history + O + horizon, F)
        state = self._state(x, mask, scale, row_index, given, stride)
        first = -1 - (n_origins - 1) // stride * stride  # of the origins
        origin = CausalScale(*(v[:, :targets, :, first::stride] for v in scale))
        x, mask = x[:, :targets], mask[:, :targets]
        effects = None
        if self.covariates is not None and given is not None:
            effects = self.covariates.effects(given, mask, state, row_index, stride)
        return OriginInputs(x, mask, origin, state, given, effects, row_index, stride)

    def as_given(self, v: Tensor, axes: int) -> Tensor:
        """(H, T, B, O, ...) in the order of an input of so many axes: (B, T, H, O, ...)."""
        v = v if self.series_as_rows else v.transpose(0, 2)
        return v.squeeze(2) if axes == 3 else v

    def _state(
        self,
        x: Tensor,
        mask: Tensor,
        scale: CausalScale,
        row_index: Tensor | None,
        given: Tensor | None,
        stride: int,
    ) -> Tensor:
        """What the head sees at each origin: (H, N, O, hidden), N being B, or T * B apart."""
        if self.stem is None or self.stack is None or self.norm is None:
            batch, n_origins = x.shape[2], x.shape[-1] - self.history
            members = batch if self.mixed else batch * (x.shape[1] - self.spec.n_past)
            return x.new_zeros(x.shape[0], members, -(-n_origins // stride), self.spec.hidden)
        start, lags = self.feature_history, self.spec.seasonal_lags
        features = causal_features(x, mask, scale, self.filters, lags, start)
        width = features.shape[3]  # (H, C, B, receptive_field - 1 + O, F)
        present = scale.n_observed[..., -width:] > 0
        targets = x.shape[1] - self.spec.n_past
        if self.mixed:
            inputs = _side_by_side(features)  # (H, B, W, C * F)
            entered = self.stem(inputs, row_index)
            present = present.any(1)
        else:
            entered = self.stem(features[:, :targets].flatten(1, 2), row_index)
            if self.stem_past is not None:
                seen = self.stem_past(_side_by_side(features[:, targets:]), row_index)
                entered = entered + seen.repeat(1, targets, 1, 1)
            present = present[:, :targets].flatten(1, 2)
        if self.covariates is not None and given is not None:
            added = self.covariates.entering(given, width, row_index)  # (H, B, W, hidden)
            entered = entered + (added if self.mixed else added.repeat(1, targets, 1, 1))
        state = self.norm(self.stack(entered, present, row_index, stride), row_index)
        out: Tensor = self.dropout(state)
        return out

    def centre(self, inputs: OriginInputs, steps: slice | None = None) -> Tensor:
        """The linear branch's forecasts: (H, T, B, O, horizon).

        steps: those of the context that count, from its first; None: all.
        """
        x, mask, origin = inputs.x, inputs.mask, inputs.scale
        if self.linear is None:
            return x.new_zeros(*origin.mu.shape, self.spec.horizon)
        last = (origin.mu.shape[-1] - 1) * inputs.stride + self.spec.context_length
        # Where only the maps differ by series, the filters stay on the batch axis: it is faster.
        turn = self.by_series and not self.series_as_rows

        def turned(v: Tensor) -> Tensor:
            return v.transpose(0, 2) if turn else v

        explained, effects = None, inputs.effects
        if effects is not None:
            of_effects = (effects.of_steps, effects.mean, effects.inv_scale)
            explained = (turned(of_effects[0]), turned(of_effects[1]), turned(of_effects[2]))
        given = (x[..., -last:], mask[..., -last:], origin.mu, origin.inverse)
        centre: Tensor = self.linear(
            *map(turned, given), inputs.row_index, explained, steps, inputs.stride
        )
        return turned(centre).to(origin.mu.dtype)

    def of_state(self, inputs: OriginInputs) -> Tensor:
        """What the head adds to the centre for the median: (H, T, B, O, horizon)."""
        centre = inputs.x.new_zeros(*inputs.scale.mu.shape, self.spec.horizon)
        alone = inputs._replace(effects=None)
        return self.head.levels(self._of_head(alone, centre), (0.5,))[0]

    def _of_head(self, inputs: OriginInputs, centre: Tensor) -> tuple[Tensor, ...]:
        """Tensors like the centre: (H, T, B, O, horizon)."""
        n_targets, effects = centre.shape[1], inputs.effects
        if effects is not None:
            centre = centre + effects.shift
        count = None
        if self.whole:
            count = typical_count(inputs.scale)  # (H, T, B, O, 1)
            centre = 1 + inputs.scale.sigma.unsqueeze(-1) * centre / count

        def arranged(v: Tensor) -> Tensor:  # as the head gives its own: (H, N, O, T * horizon)
            return _side_by_side(v) if self.mixed else v.flatten(1, 2)

        spread = None if effects is None else arranged(effects.spread)
        found = self.head(inputs.state, arranged(centre), inputs.row_index, spread)
        if self.mixed:
            parts = [torch.unflatten(v, -1, (n_targets, -1)).movedim(-2, 1) for v in found]
        else:
            parts = [torch.unflatten(v, 1, (n_targets, -1)) for v in found]
        if count is not None:  # the mean comes first
            parts[0] = parts[0] * count
        return tuple(parts)


def _side_by_side(v: Tensor) -> Tensor:
    """The features of all channels in one: (H, C, B, W, F) -> (H, B, W, C * F)."""
    return v.movedim(1, -2).flatten(-2)
