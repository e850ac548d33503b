"""Draw docs/images/load_holiday.png: Christmas with and without covariates.

The origin is the evening before.

tsconv train experiment=load run_dir=runs/with
tsconv train experiment=load run_dir=runs/without features.calendar=null data.categories=null \
    data.past_covariates=null data.future_covariates=null data.static_covariates=null
python docs/images/draw_load_holiday.py runs/with/bundle runs/without/bundle
"""

import dataclasses
import sys
from pathlib import Path

import torch

from tsconv.data.reading.read import read_table
from tsconv.forecasting.bundles.bundle import load_bundle
from tsconv.forecasting.forecast import forecast_panel
from tsconv.forecasting.match import encode_panel, match_panel
from tsconv.output.plots import draw_forecast, figure_grid, style_axes

FILE = Path(__file__).parents[2] / "data" / "load.csv.gz"
AREAS = {"harbour": "industrial", "suburbs": "residential"}
ORIGIN = 358 * 24 - 1  # steps from the first hour of 2023 to the last one of 24 December


def main(*folders: str) -> None:
    figure, axes = figure_grid(len(AREAS), 2, 11, 4.8)
    titles = ("all covariates", "its own past alone")
    bundles = [load_bundle(folder) for folder in folders]
    shown = None  # the panel that knows of the holidays, which are marked on both sides
    for column, (bundle, title) in enumerate(zip(bundles, titles, strict=True)):
        table = read_table(dataclasses.replace(bundle.data, path=str(FILE)))
        panel = encode_panel(bundle, match_panel(bundle, table))
        shown = shown or panel
        forecast = forecast_panel(bundle.net, panel, origins=torch.full((len(panel),), ORIGIN))
        for row, (area, kind) in enumerate(AREAS.items()):
            ax, tile = axes[row][column], (panel.ids.index(area), 0, 0)
            draw_forecast(ax, shown, forecast, bundle.net.quantiles, tile, bundles[0].encodings)
            ax.set_title(f"{area} ({kind}): {title}", fontsize=10, loc="left")
            style_axes(ax)
    for left, right in axes:
        left.set_ylabel("MW", fontsize=8)
        bottoms, tops = zip(left.get_ylim(), right.get_ylim(), strict=True)
        for ax in (left, right):
            ax.set_ylim(min(bottoms), max(tops))
    handles, labels = axes[0][0].get_legend_handles_labels()
    figure.legend(handles, labels, frameon=False, fontsize=9, ncols=6, loc="outside upper right")
    figure.savefig(Path(__file__).with_name("load_holiday.png"), dpi=90)


if __name__ == "__main__":
    main(*sys.argv[1:])
