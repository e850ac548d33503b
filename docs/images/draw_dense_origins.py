"""Draw docs/images/dense_origins.svg: what windows compute, and what one dense pass does.

python docs/images/draw_dense_origins.py
"""

from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

BLUE, ORANGE, GREY = "#1f6fb4", "#d9601a", "#c9c9c9"
STEPS, CONTEXT, HORIZON = 22, 7, 3
ORIGINS = range(8, 18)


def main() -> None:
    figure = Figure(figsize=(9, 4.2), layout="constrained")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2)
    for ax in (left, right):
        ax.set(xlim=(-0.5, STEPS + 0.5), ylim=(-1.9, len(ORIGINS) + 0.9))
        ax.set_axis_off()
        for t in range(STEPS):
            ax.plot(t, -1, "o", ms=4, color="#444444")
        ax.annotate("time", (STEPS - 0.6, -1.75), fontsize=8, ha="center", color="#444444")
    left.set_title("windows: each origin pays for its whole history", fontsize=10)
    for row, t in enumerate(ORIGINS):
        left.plot([t - CONTEXT, t], [row, row], lw=4, color=BLUE, solid_capstyle="butt")
        left.plot([t + 0.3, t + HORIZON], [row, row], lw=4, color=ORANGE, solid_capstyle="butt")
    first = ORIGINS[0]
    right.set_title("dense: one pass over the chunk, a forecast at every step", fontsize=10)
    right.fill_between([first - CONTEXT, ORIGINS[-1]], -0.4, 0.4, color=BLUE, lw=0)
    right.fill_between([first - CONTEXT, first - 0.5], -0.4, 0.4, color="#8db8da", lw=0)
    for row, t in enumerate(ORIGINS):
        y = 1 + row * 0.9
        right.plot([t, t], [0.4, y], lw=0.8, color=GREY, zorder=0)
        right.plot([t + 0.3, t + HORIZON], [y, y], lw=4, color=ORANGE, solid_capstyle="butt")
    right.annotate("history", (first - CONTEXT + 0.2, -0.15), fontsize=8, color="white")
    right.annotate("origins", (first + 2.6, -0.15), fontsize=8, color="white")
    left.annotate("computed", (1.2, 0.35), fontsize=8, color=BLUE)
    left.annotate("forecast", (first + HORIZON + 0.5, -0.12), fontsize=8, color=ORANGE)
    figure.savefig(Path(__file__).with_name("dense_origins.svg"), metadata={"Date": None})


if __name__ == "__main__":
    main()
