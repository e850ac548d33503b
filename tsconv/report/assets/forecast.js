// The coming forecast: history, the interval as a band, the median, the year before.

/** The window of history that is shown: all of it, or four horizons. */
function shownHistory(report, series, all, horizons = 4) {
  const end = series.origin ?? series.first + series.history.length - 1;
  const wanted = all ? Infinity : Math.max(horizons * report.horizon, 15 * horizons);
  return Math.max(series.first, end - wanted + 1);
}

function forecastParts(report, series, all, horizons) {
  const end = series.origin ?? series.first + series.history.length - 1;
  const start = shownHistory(report, series, all, horizons);
  const outer = series.coming && outerLevels(series.coming);
  return {
    start, end, outer,
    history: series.history.slice(start - series.first),
    last: series.coming ? end + report.horizon : series.first + series.history.length - 1,
    low: outer?.low ? series.coming[outer.low] : null,
    high: outer?.high ? series.coming[outer.high] : null,
    median: outer ? series.coming[outer.middle] : null,
    before: series.before?.values ?? null,
  };
}

function forecastSentence(report, grid, series) {
  const { outer, median, low, high, end } = forecastParts(report, series, true);
  if (!median) return `${nameOf(series)}: its history; no forecast is kept for it.`;
  const last = median.length - 1;
  const [from, to, lowest, highest] = formatAlike([median[0], median[last], low?.[last] ?? 0, high?.[last] ?? 0]);
  const band = low ? `, ${bandName(outer)} interval ${lowest} to ${highest}` : "";
  return `${nameOf(series)}: forecast from ${grid.label(end + 1)} to ${grid.label(end + report.horizon)}. ` +
    `The median goes from ${from} to ${to}${band} at the last step.`;
}

/** A chart of a series' forecast; `get()` gives the series, `small` leaves out labels and reader. */
function addForecastChart(host, report, grid, get, { small = false, all = () => false, ...size }) {
  return addChart(host, {
    ...size,
    label: () => forecastSentence(report, grid, get()),
    paint: (canvas, width, height, chart) => paintForecast(canvas, width, height, chart, { report, grid, series: get(), small, all: all() }),
  });
}

function paintForecast(canvas, width, height, chart, { report, grid, series, small, all }) {
  const parts = forecastParts(report, series, all, small ? 2 : 4);
  const { start, end, outer, history, last, low, high, median, before } = parts;
  const lastOf = (values) => values?.findLast?.((value) => value !== null) ?? null;
  if (![history, low, high, median].some((values) => values?.some((value) => value !== null))) {
    canvas.append(svg("text", { class: "label soft", x: width / 2, y: height / 2, "text-anchor": "middle" }, "No values are known."));
    return;
  }
  const keys = small ? [] : [
    low && { text: `${bandName(outer)} interval`, value: (lastOf(low) + 3 * lastOf(high)) / 4, sample: "band" },
    median && { text: outer.middle === "0.5" ? "median forecast" : `quantile ${outer.middle}`, value: lastOf(median), sample: "ours" },
    before && lastOf(before) !== null && { text: series.before.label, value: lastOf(before), sample: "before" },
    !median && { text: "observed", value: lastOf(history), sample: "observed" },
  ].filter(Boolean);
  const frame = drawFrame(canvas, width, height, {
    x: [start, Math.max(last, start + 1)], y: rangeOf([history, low, high, median, before]), keys,
    xTicks: grid.ticks(start, last, Math.floor(width / 84)), yTitle: small ? "" : series.channel || "value", yMost: small ? 3 : undefined,
  });
  const ahead = (i) => frame.x(end + 1 + i);
  if (median) {
    const place = frame.x(end);
    canvas.append(svg("line", { class: "origin", x1: place, x2: place, y1: frame.top, y2: frame.bottom }));
    if (!small) canvas.append(svg("text", { class: "label soft", x: place - 6, y: frame.top + 9, "text-anchor": "end" }, "observed"),
      svg("text", { class: "label soft", x: place + 6, y: frame.top + 9 }, "forecast"));
  }
  if (low) drawBand(canvas, low, high, ahead, frame.y, !small);
  if (before && !small) drawLine(canvas, before, ahead, frame.y, "before");
  drawLine(canvas, history, (i) => frame.x(start + i), frame.y, "observed");
  if (median) drawLine(canvas, median, ahead, frame.y, "ours");
  if (small) return;
  drawLabels(canvas, frame);
  addReader(chart, frame, start, last, (time) => {
    const lines = [grid.label(time)];
    const step = time - end - 1;
    if (step < 0 || !median) lines.push(`observed ${formatNumber(observedAt(series, time))}`);
    else {
      lines.push(`step ${step + 1}: ${formatNumber(median[step])}`);
      if (low) lines.push(`${bandName(outer)}: ${formatNumber(low[step])} to ${formatNumber(high[step])}`);
      if (before && before[step] !== null) lines.push(`${series.before.label}: ${formatNumber(before[step])}`);
    }
    return lines;
  });
}

function forecastTable(report, grid, series) {
  const { end } = forecastParts(report, series, true);
  const levels = Object.keys(series.coming ?? {}).sort((a, b) => a - b);
  const heads = ["Time", "Step", ...levels.map((level) => `Quantile ${level}`), ...(series.before ? [series.before.label] : [])];
  const rows = (levels.length ? series.coming[levels[0]] : []).map((_, step) => [
    grid.label(end + 1 + step), `${step + 1}`, ...levels.map((level) => formatNumber(series.coming[level][step])),
    ...(series.before ? [formatNumber(series.before.values[step])] : []),
  ]);
  return [heads, rows];
}

/** The section of the coming forecast, with the search box that chooses a series for the page. */
function addForecastSection(report, grid, choice) {
  if (!report.series.some(hasValues)) return;
  const section = byId("coming");
  section.hidden = false;
  const anyComing = report.series.some((series) => series.coming);
  byId("coming-title").textContent = anyComing ? `The coming ${formatCount(report.horizon, "step")}` : "The series";
  let all = false;
  const chart = addForecastChart(byId("coming-chart"), report, grid, choice.get, {
    height: (width) => (width < NARROW ? 300 : 360), printHeight: printRoom(200, 240), all: () => all,
  });
  const table = tableOf(byId("coming-chart"), "The coming forecast", () => forecastTable(report, grid, choice.get()));
  const more = byId("all-history");
  more.addEventListener("click", () => {
    all = !all;
    more.setAttribute("aria-pressed", `${all}`);
    chart.draw();
  });
  choice.listen((series) => {
    byId("coming-lead").textContent = forecastSentence(report, grid, series);
    more.hidden = shownHistory(report, series, false) === series.first;
    table.renew();
    chart.draw();
  });
}
