// Nominal against observed coverage: of the intervals and of the quantiles.

/** Points [{nominal, observed}] in a square with the diagonal where both agree. */
function paintReliability(canvas, width, height, chart, { points, below, above, xTitle, yTitle }) {
  const ticks = [0, 0.25, 0.5, 0.75, 1].map((at) => ({ at, label: formatPercent(at), below: "" }));
  const frame = drawFrame(canvas, width, height, { x: [0, 1], y: [0, 1], xTicks: ticks, xTitle, yTitle, yFormat: formatPercent, yMost: 5 });
  canvas.append(
    svg("line", { class: "line edge", x1: frame.x(0), y1: frame.y(0), x2: frame.x(1), y2: frame.y(1) }),
    svg("text", { class: "label soft", x: frame.x(0.04), y: frame.y(0.94) }, above),
    svg("text", { class: "label soft", x: frame.x(0.97), y: frame.y(0.04), "text-anchor": "end" }, below));
  drawLine(canvas, points.map((point) => point.observed), (i) => frame.x(points[i].nominal), frame.y, "ours");
  let free = Infinity;
  for (const { nominal, observed } of points) {
    if (observed === null) continue;
    const px = frame.x(nominal), py = frame.y(observed);
    canvas.append(svg("line", { class: "whisker", x1: px, x2: px, y1: frame.y(nominal), y2: py }), svg("circle", { class: "dot ours", cx: px, cy: py, r: 4 }));
    const text = formatPercent(observed);
    if (free - py > 14 || free === Infinity) {
      const right = px + 10 + widthOf(text) < frame.right;
      canvas.append(svg("text", { class: "label", x: right ? px + 9 : px - 9, y: py + (right ? 13 : -8), "text-anchor": right ? "start" : "end" }, text));
      free = py;
    }
  }
}

function coverageSentence(points, what) {
  const judged = points.filter((point) => point.observed !== null);
  const worst = judged.reduce((best, point) => (Math.abs(point.observed - point.nominal) > Math.abs(best.observed - best.nominal) ? point : best), judged[0]);
  return `Furthest apart: ${what} ${formatPercent(worst.nominal)} held ${formatPercent(worst.observed)}.`;
}

function addReliability(host, title, points, texts) {
  const sentence = coverageSentence(points, texts.what);
  const plot = html("div", { class: "plot" });
  host.append(html("figure", {}, html("figcaption", {}, html("b", {}, title), html("span", {}, sentence)), plot));
  addChart(plot, {
    height: (width) => Math.min(320, Math.max(260, width * 0.72)), print: "half", printHeight: 140,
    label: () => `${title}: nominal against observed. ${sentence}`,
    paint: (canvas, width, height, chart) => paintReliability(canvas, width, height, chart, { points, ...texts }),
  });
  return plot;
}

function addCoverageSection(report) {
  const intervals = report.coverage.filter((row) => row.observed !== null);
  const quantiles = report.quantile_coverage.filter((row) => row.observed !== null).map((row) => ({ nominal: row.level, observed: row.observed }));
  if (!intervals.length && !quantiles.length) return;
  byId("coverage").hidden = false;
  const host = byId("coverage-charts");
  if (intervals.length) {
    const plot = addReliability(host, "Intervals", intervals.sort((a, b) => a.nominal - b.nominal), {
      what: "the interval of", below: "too narrow", above: "too wide", xTitle: "nominal", yTitle: "observed inside",
    });
    const rival = intervals.some((row) => row.width_rival !== null);
    tableOf(plot, "Coverage of the intervals", () => [["Nominal", "Observed", "Mean width", ...(rival ? ["Width of the rival"] : [])],
      intervals.map((row) => [formatPercent(row.nominal), formatPercent(row.observed), formatNumber(row.width), ...(rival ? [formatNumber(row.width_rival)] : [])])]);
  }
  if (quantiles.length) {
    const plot = addReliability(host, "Quantiles", quantiles.sort((a, b) => a.nominal - b.nominal), {
      what: "the quantile", below: "forecasts too low", above: "forecasts too high", xTitle: "level", yTitle: "observed at or below",
    });
    tableOf(plot, "Coverage of the quantiles", () => [["Level", "Observed at or below"], quantiles.map((row) => [formatPercent(row.nominal), formatPercent(row.observed)])]);
  }
}
