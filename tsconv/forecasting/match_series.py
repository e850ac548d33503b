"""Match a file's series with those of a bundle whose network differs by series, by their ids."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from tsconv.data.panel.panel import Panel
from tsconv.errors import DataError
from tsconv.forecasting.bundles.bundle import Bundle
from tsconv.model.spec import NetSpec
from tsconv.notes import Note, NoteKind
from tsconv.text import plural, quote_first


def series_index(bundle: Bundle, panel: Panel) -> torch.Tensor | None:
    """(S,) the number of each of the panel's series in the training, -1 for one never seen.

    None where the panel has the series of the training, all of them and in order.
    """
    if panel.ids == bundle.series:
        return None
    numbers = {name: s for s, name in enumerate(bundle.series)}
    return torch.tensor([numbers.get(name, -1) for name in panel.ids])


def match_series(bundle: Bundle, panel: Panel, source: str) -> Panel:
    """Note the series that the training had not; raise DataError where they cannot be forecast.

    source: the name of the file, for messages.
    """
    known = set(bundle.series)
    unseen = [name for name in panel.ids if name not in known] if known else []
    if not unseen:
        return panel
    _require_sharing(bundle.net.spec, unseen, source)
    first = tuple(unseen[:3])
    text = (
        f"{plural(len(unseen), 'series', 'series')} that "
        f"{'was' if len(unseen) == 1 else 'were'} not in the training data, forecast by what all "
        f"series share: {quote_first(first, len(unseen))}"
    )
    return panel.with_notes([Note(NoteKind.UNSEEN_SERIES, text, first)])


def _require_sharing(spec: NetSpec, unseen: Sequence[str], source: str) -> None:
    """Raise DataError where the network has nothing to forecast an unseen series with."""
    separate = [key for key in ("series", "maps") if getattr(spec, key) == "separate"]
    if separate:
        is_set = " and ".join(f"`model.{key}=separate`" for key in separate)
        better = " ".join(f"model.{key}=pooled" for key in separate)
        raise DataError(
            f"{source}: series `{unseen[0]}` was not in the training data "
            f"({len(unseen):,} such series), and {is_set} cannot forecast it; train with "
            f"`{better}`, or leave it out by `series=`"
        )
