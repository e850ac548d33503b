// What was said then: the forecast from each earlier origin against what came, and all forecasts
// of one time, from the earliest to the last.

function saidAt(series, position) {
  const levels = {};
  for (const [level, rows] of Object.entries(series.said.levels)) levels[level] = rows[position];
  const outer = outerLevels(levels);
  return {
    origin: series.said.origins[position], outer, median: levels[outer.middle],
    low: outer.low && levels[outer.low], high: outer.high && levels[outer.high],
  };
}

/** How good the forecast from one origin was: mean absolute error, and how many lay in the band. */
function saidScore(series, said) {
  let error = 0, count = 0, inside = 0, judged = 0;
  said.median.forEach((value, step) => {
    const came = observedAt(series, said.origin + 1 + step);
    if (came === null || value === null) return;
    error += Math.abs(came - value);
    count += 1;
    if (!said.low || said.low[step] === null || said.high[step] === null) return;
    judged += 1;
    inside += came >= said.low[step] && came <= said.high[step] ? 1 : 0;
  });
  return { error: count ? error / count : null, count, inside, judged };
}

function saidSentence(grid, series, position) {
  const said = saidAt(series, position);
  const { error, count, inside, judged } = saidScore(series, said);
  const start = `Said after ${grid.label(said.origin)}: `;
  if (!count) return `${start}nothing to compare with has come.`;
  const band = judged ? `, ${inside} of ${formatCount(judged, "value")} inside the ${bandName(said.outer)} interval` : "";
  return `${start}mean absolute error ${formatNumber(error)}${band}.`;
}

function paintSaid(canvas, width, height, chart, { report, grid, series, position }) {
  const said = saidAt(series, position);
  const { origin, median, low, high, outer } = said;
  const start = Math.max(series.first, origin - 2 * report.horizon + 1);
  const last = origin + Math.max(report.horizon, Math.ceil(1.25 * report.horizon));
  const came = [];
  for (let time = start; time <= last; time++) came.push(observedAt(series, time));
  const everything = Object.values(series.said.levels).flat();
  const lastOf = (values) => values?.findLast?.((value) => value !== null) ?? null;
  const frame = drawFrame(canvas, width, height, {
    x: [start, last], y: rangeOf([series.history.slice(Math.max(0, series.said.origins[0] - 2 * report.horizon - series.first)), ...everything]),
    keys: [
      low && { text: `${bandName(outer)} interval, said then`, sample: "band" },
      { text: "median, said then", sample: "ours" }, { text: "what came", value: lastOf(came), sample: "observed" },
    ].filter(Boolean), keysAbove: true,
    xTicks: grid.ticks(start, last, Math.floor(width / 84)), yTitle: series.channel || "value",
  });
  const ahead = (i) => frame.x(origin + 1 + i);
  const place = frame.x(origin);
  canvas.append(svg("line", { class: "origin", x1: place, x2: place, y1: frame.top, y2: frame.bottom }));
  if (low) drawBand(canvas, low, high, ahead, frame.y);
  drawLine(canvas, came, (i) => frame.x(start + i), frame.y, "observed");
  drawLine(canvas, median, ahead, frame.y, "ours");
  addReader(chart, frame, start, last, (time) => {
    const step = time - origin - 1;
    const lines = [grid.label(time), `came ${formatNumber(observedAt(series, time))}`];
    if (step >= 0 && step < report.horizon) lines.push(`said ${formatNumber(median[step])}`);
    if (step >= 0 && step < report.horizon && low) lines.push(`${bandName(outer)}: ${formatNumber(low[step])} to ${formatNumber(high[step])}`);
    return lines;
  });
}

/** The whole time of the origins in small, with the window that the chart above it shows. */
function paintOverview(canvas, width, height, { report, series, position }) {
  const { origins } = series.said;
  const start = Math.max(series.first, origins[0] - 2 * report.horizon), end = origins[origins.length - 1] + report.horizon;
  const came = [];
  for (let time = start; time <= end; time++) came.push(observedAt(series, time));
  const px = linear([start, end], [1, width - 1]);
  const py = linear(rangeOf([came]), [height - 4, 3]);
  const from = Math.max(start, origins[position] - 2 * report.horizon), to = origins[position] + report.horizon;
  canvas.append(svg("rect", { class: "window", x: px(from), width: Math.max(3, px(to) - px(from)), y: 0.5, height: height - 1 }));
  drawLine(canvas, came, (i) => px(start + i), py, "thin");
  canvas.append(svg("line", { class: "origin", x1: px(origins[position]), x2: px(origins[position]), y1: 0, y2: height }));
}

function addSaidSection(report, grid, choice) {
  if (!report.series.some((series) => series.said)) return;
  byId("said").hidden = false;
  const slider = byId("said-slider"), text = byId("said-text");
  let position = 0;
  const state = () => ({ report, grid, series: choice.get(), position });
  const chart = addChart(byId("said-chart"), {
    height: (width) => (width < NARROW ? 290 : 320), printHeight: printRoom(165, 195),
    label: () => (choice.get().said ? saidSentence(grid, choice.get(), position) : ""),
    paint: (canvas, width, height, it) => choice.get().said && paintSaid(canvas, width, height, it, state()),
  });
  const overview = addChart(byId("said-overview"), {
    height: 44, label: () => "All observed values of the time of these origins; the window above is marked.",
    paint: (canvas, width, height) => choice.get().said && paintOverview(canvas, width, height, state()),
  });
  const show = () => {
    const { series } = state();
    text.textContent = saidSentence(grid, series, position);
    slider.setAttribute("aria-valuetext", `origin ${grid.label(series.said.origins[position])}`);
    chart.draw();
    overview.draw();
  };
  slider.addEventListener("input", () => {
    position = Number(slider.value);
    show();
  });
  overview.canvas.addEventListener("click", (event) => {
    const { origins } = choice.get().said;
    const box = overview.canvas.getBoundingClientRect();
    const start = Math.max(choice.get().first, origins[0] - 2 * report.horizon);
    const time = start + ((event.clientX - box.left) / box.width) * (origins[origins.length - 1] + report.horizon - start);
    position = origins.reduce((best, origin, i) => (Math.abs(origin - time) < Math.abs(origins[best] - time) ? i : best), 0);
    slider.value = position;
    show();
  });
  const table = tableOf(byId("said-table"), "Error of the forecast from each origin", () => saidTable(grid, choice.get()));
  choice.listen((series) => {
    const there = Boolean(series.said && series.said.origins.length);
    byId("said-body").hidden = !there;
    byId("said-none").hidden = there;
    if (!there) return;
    table.renew();
    slider.max = series.said.origins.length - 1;
    position = series.said.origins.length - 1;
    slider.value = position;
    byId("said-controls").hidden = position === 0;
    if (position === 0) setLead("said-lead", `${nameOf(series)}: one earlier origin, ${grid.label(series.said.origins[0])}.`);
    else {
      const between = `from ${grid.label(series.said.origins[0])} to ${grid.label(series.said.origins[position])}`;
      setLead("said-lead", `${nameOf(series)}: ${formatCount(series.said.origins.length, "earlier origin")}, ${between}.`,
        "Move the slider to see what was forecast from each, and what came.");
    }
    show();
  });
  addRevisions(report, grid, choice);
}

function saidTable(grid, series) {
  const rows = series.said.origins.map((origin, i) => {
    const { error, inside, judged } = saidScore(series, saidAt(series, i));
    return [grid.label(origin), formatNumber(error), judged ? `${inside} of ${judged}` : NOTHING];
  });
  return [["Origin", "Mean absolute error", "Inside the interval"], rows];
}

/** All forecasts of one time: [{step, median, low, high}], from the earliest origin on. */
function revisionsOf(series, horizon, time) {
  const found = [];
  series.said.origins.forEach((origin, i) => {
    const step = time - origin - 1;
    if (step < 0 || step >= horizon) return;
    const said = saidAt(series, i);
    if (said.median[step] === null) return;
    found.push({ origin, step: step + 1, median: said.median[step], low: said.low?.[step] ?? null, high: said.high?.[step] ?? null, outer: said.outer });
  });
  return found;
}

/** Times with two forecasts or more, in order. */
function revisedTimes(series, horizon) {
  const counts = new Map();
  for (const origin of series.said?.origins ?? []) {
    for (let step = 1; step <= horizon; step++) counts.set(origin + step, (counts.get(origin + step) ?? 0) + 1);
  }
  return [...counts.keys()].filter((time) => counts.get(time) > 1).sort((a, b) => a - b);
}

function revisionSentence(grid, series, horizon, time) {
  const revisions = revisionsOf(series, horizon, time);
  if (!revisions.length) return "";
  const came = observedAt(series, time), first = revisions[0], last = revisions[revisions.length - 1];
  return `${grid.label(time)}: ${formatCount(revisions.length, "forecast")}, from ${formatNumber(first.median)} (${formatCount(first.step, "step")} ahead) ` +
    `to ${formatNumber(last.median)} (${formatCount(last.step, "step")} ahead). ${came === null ? "What came is not known." : `What came: ${formatNumber(came)}.`}`;
}

function paintRevisions(canvas, width, height, chart, { report, grid, series, time }) {
  const revisions = revisionsOf(series, report.horizon, time);
  if (!revisions.length) return;
  const came = observedAt(series, time);
  const steps = revisions.map((revision) => revision.step);
  const x = [Math.max(...steps) + 0.6, Math.min(...steps) - 0.6];
  const { ticks } = niceTicks(x[1], x[0], Math.min(8, Math.floor(width / 70)));
  const nice = [...new Set(ticks.map(Math.round))].filter((tick) => tick >= 1 && tick <= x[0]);
  const whole = steps.length <= width / 90 ? steps : nice.reverse();
  const frame = drawFrame(canvas, width, height, {
    x, y: rangeOf([revisions.map((r) => r.median), revisions.map((r) => r.low), revisions.map((r) => r.high), [came]]),
    keys: [{ text: "what came", value: came, sample: "observed" }, { text: "median", value: revisions[revisions.length - 1].median, sample: "ours" }].slice(came === null ? 1 : 0),
    xTicks: whole.map((tick) => ({ at: tick, label: `${tick}`, below: "" })), xTitle: "steps ahead, from the earliest forecast to the last", yTitle: series.channel || "value",
  });
  for (const { step, low, high } of revisions) {
    if (low === null || high === null) continue;
    const place = frame.x(step);
    canvas.append(
      svg("line", { class: "whisker", x1: place, x2: place, y1: frame.y(low), y2: frame.y(high) }),
      svg("path", { class: "whisker-end", d: `M${place - 3},${frame.y(low)}h6M${place - 3},${frame.y(high)}h6` }));
  }
  if (came !== null) canvas.append(svg("line", { class: "line observed", x1: frame.left, x2: frame.right, y1: frame.y(came), y2: frame.y(came) }));
  drawLine(canvas, revisions.map((r) => r.median), (i) => frame.x(revisions[i].step), frame.y, "ours");
  for (const { step, median } of revisions) canvas.append(svg("circle", { class: "dot ours", cx: frame.x(step), cy: frame.y(median), r: 2.6 }));
  drawLabels(canvas, frame);
  const byStep = new Map(revisions.map((revision) => [revision.step, revision]));
  addReader(chart, frame, Math.min(...steps), Math.max(...steps), (step) => {
    const revision = byStep.get(step);
    if (!revision) return null;
    const band = revision.low === null ? [] : [`${bandName(revision.outer)}: ${formatNumber(revision.low)} to ${formatNumber(revision.high)}`];
    return [`${formatCount(step, "step")} ahead`, `said after ${grid.label(revision.origin)}`, formatNumber(revision.median), ...band];
  });
}

function addRevisions(report, grid, choice) {
  const slider = byId("revision-slider"), text = byId("revision-text");
  let times = [], time = null;
  const chart = addChart(byId("revision-chart"), {
    height: 260, print: "full", printHeight: printRoom(120, 155),
    label: () => (time === null ? "" : revisionSentence(grid, choice.get(), report.horizon, time)),
    paint: (canvas, width, height, it) => time !== null && paintRevisions(canvas, width, height, it, { report, grid, series: choice.get(), time }),
  });
  const show = () => {
    time = times[Number(slider.value)];
    text.textContent = revisionSentence(grid, choice.get(), report.horizon, time);
    slider.setAttribute("aria-valuetext", grid.label(time));
    chart.draw();
  };
  slider.addEventListener("input", show);
  const table = tableOf(byId("revision-table"), "All forecasts of this time", () => [["Said after", "Steps ahead", "Median", "Low", "High"],
    revisionsOf(choice.get(), report.horizon, time).map((r) => [grid.label(r.origin), `${r.step}`, formatNumber(r.median), formatNumber(r.low), formatNumber(r.high)])]);
  choice.listen((series) => {
    times = revisedTimes(series, report.horizon);
    byId("revisions").hidden = times.length === 0;
    time = null;
    if (!times.length) return;
    table.renew();
    slider.max = times.length - 1;
    const counts = times.map((candidate) => (observedAt(series, candidate) === null ? -1 : revisionsOf(series, report.horizon, candidate).length));
    slider.value = counts.lastIndexOf(Math.max(...counts));
    show();
  });
}
