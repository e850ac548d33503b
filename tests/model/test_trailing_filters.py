"""Trailing filters: a ramp's slope, a constant with gaps, and how far they look back."""

import torch

from tsconv.model.trailing_filters import TrailingFilters


def test_trailing_filters_see_means_and_slopes_of_what_was_observed() -> None:
    filters = TrailingFilters(smooth=[2.0], slope=[3.0]).double()
    assert filters.history == 6
    step = torch.arange(40, dtype=torch.float64)[None]
    ramp, seen = 0.5 * step + 3, torch.ones(1, 40, dtype=torch.float64)
    mean, slope = filters(ramp, seen)
    assert mean.shape == slope.shape == (1, 34)
    torch.testing.assert_close(slope, torch.full_like(slope, 0.5), rtol=0, atol=1e-6)
    assert ((mean < ramp[:, 6:]) & (mean > ramp[:, 6:] - 2)).all()  # lags behind, a little
    holes = (torch.rand(1, 40, generator=torch.Generator().manual_seed(0)) > 0.4).double()
    flat, none = filters(3 * holes, holes)  # a constant with gaps stays that constant
    known = (holes.unfold(1, 5, 1)[:, 2:].sum(-1) > 0).double()
    torch.testing.assert_close(flat, 3 * known, rtol=0, atol=1e-6)
    torch.testing.assert_close(none, torch.zeros_like(none), rtol=0, atol=1e-6)
