"""Draw docs/images/nyc_weather.png: a day ahead at three airports, beside what was then observed.

tsconv train experiment=nyc_weather run_dir=runs/nyc
python docs/images/draw_nyc_weather.py runs/nyc/bundle

The origin is the last one of the test part: the network saw none of the hours it forecasts.
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

FILE = Path(__file__).parents[2] / "data" / "nyc_weather.csv"
SHOWN = {"temp": "temperature, °C", "humid": "relative humidity, %"}


def main(folder: str) -> None:
    bundle = load_bundle(folder)
    table = read_table(dataclasses.replace(bundle.data, path=str(FILE)))
    panel = encode_panel(bundle, match_panel(bundle, table))
    origin = panel.lengths - 1 - bundle.net.spec.horizon
    forecast = forecast_panel(bundle.net, panel, origins=origin.to(torch.int64))
    figure, axes = figure_grid(len(SHOWN), panel.n_rows, 10, 4.8)
    for line, (target, label) in enumerate(SHOWN.items()):
        for h, airport in enumerate(panel.rows):
            ax, tile = axes[line][h], (0, panel.targets.index(target), h)
            draw_forecast(ax, panel, forecast, bundle.net.quantiles, tile)
            ax.set_title(airport, fontsize=10, loc="left")
            style_axes(ax)
        axes[line][0].set_ylabel(label, fontsize=8)
    for line in axes:
        bottoms, tops = zip(*(ax.get_ylim() for ax in line), strict=True)
        for ax in line:
            ax.set_ylim(min(bottoms), max(tops))
    handles, labels = axes[0][0].get_legend_handles_labels()
    figure.legend(handles, labels, frameon=False, fontsize=9, ncols=6, loc="outside upper right")
    figure.savefig(Path(__file__).with_name("nyc_weather.png"), dpi=100)


if __name__ == "__main__":
    main(*sys.argv[1:])
