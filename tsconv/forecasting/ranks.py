"""The ranks that forecast together: one network on each device, the series shared out."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from tsconv.calibration.calibrator import Calibrator
from tsconv.data.panel.panel import Panel
from tsconv.distributed.launched import on_launched_ranks
from tsconv.distributed.rank_pool import RankPool
from tsconv.distributed.ranks import Ranks
from tsconv.distributed.threads import threads_of_one, torch_threads
from tsconv.errors import ConfigError
from tsconv.forecasting.forecast import Forecast, forecast_panel
from tsconv.model.ensemble import Network

_PRELOAD = ("tsconv.forecasting.run",)  # what a rank imports while rank 0 reads the data


def ranks_for(devices: Any, device: str, pool: RankPool) -> Ranks:
    """The ranks that `devices` asks for: a number, or "auto" for every GPU of this machine.

    device: auto, cpu, cuda, ... Raises ConfigError where there are fewer devices.
    """
    gpus = torch.cuda.device_count() if device in ("auto", "cuda") else 0
    if devices == "auto":
        return pool.get(max(1, gpus), _PRELOAD)
    if isinstance(devices, bool) or not str(devices).isdigit() or int(devices) < 1:
        raise ConfigError(f"`devices` (={devices}) must be a number of devices, or auto")
    count = int(devices)
    if count > 1 and device not in ("auto", "cpu", "cuda"):
        raise ConfigError(
            f"`devices` (={count}): `device` (={device}) is one; use auto, cpu or cuda"
        )
    if gpus and count > gpus:
        raise ConfigError(f"`devices` (={count}): this machine has {gpus} GPUs")
    return pool.get(count, _PRELOAD)


def forecast_on_ranks(
    ranks: Ranks,
    net: Network,
    panel: Panel,
    batch_size: int,
    origins: Tensor,
    row_index: Tensor | None,
    device: str,
    components: bool = False,
    season: int | None = None,
    calibrator: Calibrator | None = None,
) -> Forecast:
    """Forecast a rank's part of the series, and gather all of them on rank 0.

    See `forecast_panel` for the arguments. Start it by `ranks.run`, so that every rank is in it.
    """
    net = net.to(find_device(device, ranks.local_rank))
    threads = threads_of_one(ranks.size) if ranks.are_children else None
    with torch_threads(threads), ranks.own_cores():
        return forecast_panel(
            net, panel, batch_size, origins, row_index, ranks, components, season, calibrator
        )


def forecast_on_devices(
    devices: Any,
    net: Network,
    panel: Panel,
    batch_size: int,
    origins: Tensor,
    row_index: Tensor | None,
    components: bool = False,
    season: int | None = None,
    calibrator: Calibrator | None = None,
) -> Forecast:
    """Forecast a panel on some devices of this machine; with one of them, in this process.

    In a script that a launcher started several times, all must call it where `devices` is not 1.
    The network comes back to the CPU. The others: as `forecast_panel` takes them. Raises
    ConfigError where there are fewer devices, or components are asked of several.
    """
    if devices == 1:
        return forecast_panel(
            net, panel, batch_size, origins, row_index, None, components, season, calibrator
        )
    if components:
        raise ConfigError(f"`components` (=True) needs one device: set `devices=1`, not {devices}")

    def work() -> Forecast:
        with RankPool() as pool:
            ranks = ranks_for(devices, "auto", pool)
            work = (net, panel, batch_size, origins, row_index, "auto", False, None, calibrator)
            return ranks.run(forecast_on_ranks, *work)

    forecast = on_launched_ranks(work)
    net.to("cpu")
    return forecast


def find_device(name: str, local_rank: int = 0) -> torch.device:
    """The device to forecast on; raises ConfigError where this machine has none of that name.

    >>> find_device("cpu")
    device(type='cpu')
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name == "cuda" and torch.cuda.device_count() > 1:  # else a launcher shows each its own
        name = f"cuda:{local_rank}"
    try:
        return torch.empty(0, device=name).device
    except (RuntimeError, AssertionError) as error:
        raise ConfigError(
            f"`device` (={name}): this machine has no such device; use auto or cpu"
        ) from error
