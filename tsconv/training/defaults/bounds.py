"""The bounds of the targets in a training: as the config has them, or chosen by the head."""

from __future__ import annotations

import dataclasses

import torch
from torch import Tensor

from tsconv.config.schema import DataConfig
from tsconv.data.bounds import AUTO, read_bound, require_names, require_order, require_within
from tsconv.data.panel.panel import Panel
from tsconv.data.panel.ragged import head_mask
from tsconv.nn.heads import COUNT_HEADS


def check_bounds(data: DataConfig) -> DataConfig:
    """The config with its bounds read, and `auto` as it is.

    Raises ConfigError for bounds that are wrong whatever the data are.
    """
    lower, upper = read_bound("lower", data.lower), read_bound("upper", data.upper)
    require_order(lower, upper)
    return dataclasses.replace(
        data,
        lower=AUTO if data.lower == AUTO else lower,
        upper=AUTO if data.upper == AUTO else upper,
    )


def resolve_bounds(
    data: DataConfig, head: str, panel: Panel, train_end: Tensor
) -> tuple[DataConfig, dict[str, str]]:
    """Read the bounds of a config, choose those that it leaves to be chosen, and check the values.

    head: `head.kind`. panel: in the units of the data. train_end: (S,) steps of each training part.

    Returns the config with None, a number or a mapping for each bound, and the reasons by key.
    Raises ConfigError for a bound or name that is wrong, and DataError for a value beyond a bound.
    """
    lower, upper = read_bound("lower", data.lower), read_bound("upper", data.upper)
    reasons = {}
    for key, bound in (("lower", lower), ("upper", upper)):
        require_names(key, bound, panel.ids, panel.targets)
    if data.lower == AUTO:
        lower, reasons["data.lower"] = _choose_lower(head, panel, train_end)
    if data.upper == AUTO:
        reasons["data.upper"] = "none: no head has an upper bound of its own"
    require_order(lower, upper)
    require_within(panel, lower, upper, data.path)
    return dataclasses.replace(data, lower=lower, upper=upper), reasons


def _choose_lower(head: str, panel: Panel, train_end: Tensor) -> tuple[float | None, str]:
    if head not in COUNT_HEADS:
        return None, f"none: `head.kind` (={head}) is not for counts"
    for series, steps, local in panel.blocks():
        trains = head_mask(local, train_end.cpu()[series])
        values = panel.values[steps, : len(panel.targets)].cpu()[trains]
        if bool((torch.nan_to_num(values) < 0).any()):
            return None, "none: the training part has negative values"
    return 0.0, "counts: no value of the training part is negative"
