"""Draw docs/images/architecture.svg: the way of the data from a command to forecast.csv.

python docs/images/draw_architecture.py

Plain SVG text and boxes, no fonts or libraries: a browser shows it offline.
"""

from html import escape
from pathlib import Path

WIDTH, HEIGHT, LINE = 1000, 784, 84
LEFT, RIGHT = (30, 450), (520, 450)
BOTH = (30, 940)
COLOURS = {"train": "#e4eefb", "forecast": "#fbe9de", "both": "#eef1ea", "file": "#ffffff"}

# (column, kind, heading, what happens)
STEPS = [
    [
        (LEFT, "file", "tsconv train key=value ...", "cli.py"),
        (RIGHT, "file", "tsconv forecast bundle=... key=value ...", "cli.py"),
    ],
    [
        (LEFT, "train", "config/compose: TrainConfig", "conf/, overrides; unknown keys refused"),
        (RIGHT, "forecast", "config/compose: ForecastConfig",
         "keys of data.* that are set replace the bundle's"),
    ],
    [(BOTH, "both", "data/reading: files -> Table",
      "the only entrance for untrusted input: columns, cells, times; errors name the line")],
    [(BOTH, "both", "data/panel, data/covariates: Table -> Panel",
      "every series on its regular grid, end to end in one tensor; duplicates and gaps by policy")],
    [
        (LEFT, "train", "training/prepare, training/defaults/resolve: Prepared",
         "open keys chosen, split by time, encodings, network"),
        (RIGHT, "forecast", "forecasting/bundles, forecasting/match",
         "weights; channels, rows and frequency in their places"),
    ],
    [(BOTH, "both", "data/batches/chunks: Panel -> Batch",
      "one indexed gather: history, origins, mask, targets, covariates of the horizon")],
    [(BOTH, "both", "model/network: ForecastNet, one dense pass",
      "causal scaling -> stem -> blocks -> head, beside the linear branch and covariate effects")],
    [
        (LEFT, "train", "training/step, training/lightning",
         "loss over every origin; averaged weights; evaluation/scoring"),
        (RIGHT, "forecast", "forecasting/forecast",
         "the last origin of each series, in original units, with times"),
    ],
    [
        (LEFT, "file", "runs/<run>/", "bundle/  metrics.json  config.yaml  plots/  checkpoints/"),
        (RIGHT, "file", "forecast.csv", "data/write: whole or not at all"),
    ],
]  # fmt: skip


def box(column: tuple[int, int], y: int, kind: str, heading: str, text: str) -> str:
    x, width = column
    dash = ' stroke-dasharray="5 3"' if kind == "file" else ""
    middle = x + width / 2
    return (
        f'<rect x="{x}" y="{y}" width="{width}" height="56" rx="6" fill="{COLOURS[kind]}" '
        f'stroke="#7a8699"{dash}/>\n'
        f'<text x="{middle}" y="{y + 24}" class="head">{escape(heading)}</text>\n'
        f'<text x="{middle}" y="{y + 43}" class="text">{escape(text)}</text>\n'
    )


def arrow(x: float, y: int) -> str:
    return f'<path d="M{x} {y} V{y + LINE - 60}" class="arrow" marker-end="url(#tip)"/>\n'


def main() -> None:
    parts = []
    for i, line in enumerate(STEPS):
        y = 20 + i * LINE
        parts += [box(column, y, kind, *texts) for column, kind, *texts in line]
        if i + 1 < len(STEPS):
            parts += [arrow(x + width / 2, y + 57) for x, width in (LEFT, RIGHT)]
    low, high = 20 + 8 * LINE + 57, 20 + 4 * LINE + 28  # the bundle goes from training to forecasts
    parts.append(
        f'<path d="M255 {low} v22 H986 V{high} H974" class="arrow" marker-end="url(#tip)"/>\n'
        f'<text x="500" y="{low + 17}" class="text">the bundle</text>\n'
    )
    style = (
        "text{font-family:Helvetica,Arial,sans-serif;text-anchor:middle;fill:#222}"
        ".head{font-size:15px;font-weight:bold}.text{font-size:12.5px}"
        ".arrow{stroke:#556;stroke-width:1.5;fill:none}"
    )
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'role="img" aria-label="From a command to forecast.csv">\n<style>{style}</style>\n'
        '<defs><marker id="tip" markerWidth="9" markerHeight="9" refX="7" refY="4" orient="auto">'
        '<path d="M0 0 L8 4 L0 8 z" fill="#556"/></marker></defs>\n'
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>\n{"".join(parts)}</svg>\n'
    )
    Path(__file__).with_name("architecture.svg").write_text(svg, encoding="utf-8")


if __name__ == "__main__":
    main()
