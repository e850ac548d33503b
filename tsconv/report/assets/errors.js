// The error: by step of the horizon beside the rivals, and over time.

const RIVAL_LINES = ["rival-1", "rival-2", "rival-3", "rival-4"];

/** Rivals with a line on the page: "the rival" first, at most three others. */
function shownRivals(report) {
  const has = (key) => report.by_horizon.some((step) => (step.rivals?.[key] ?? null) !== null);
  const rivals = report.rivals.filter((rival) => has(rival.key));
  const main = rivals.filter((rival) => rival.is_rival), others = rivals.filter((rival) => !rival.is_rival);
  const kinds = others.slice(0, RIVAL_LINES.length).map((rival, i) => ({ ...rival, kind: RIVAL_LINES[i] }));
  return [...main.map((rival) => ({ ...rival, kind: "rival" })), ...kinds];
}

function horizonSentence(report) {
  const judged = report.by_horizon.filter((step) => step.better !== null);
  const lost = judged.filter((step) => !step.better).map((step) => step.step);
  const rival = report.rivals.find((candidate) => candidate.is_rival);
  if (!judged.length) return "The mean absolute error at each step.";
  const against = rival ? rival.name : "the rival";
  if (!lost.length) return `The forecast is closer than ${against} at ${judged.length === 1 ? "its one step" : `all ${judged.length} steps`}.`;
  return `The forecast is closer than ${against} at ${judged.length - lost.length} of ${judged.length} steps. It is not at ${lost.length === 1 ? "step" : "steps"} ${formatRuns(lost)}, marked ▽.`;
}

function paintHorizon(canvas, width, height, chart, report) {
  const rows = report.by_horizon, rivals = shownRivals(report);
  const steps = rows.map((row) => row.step), ours = rows.map((row) => row.mae);
  const lines = rivals.map((rival) => ({ ...rival, values: rows.map((row) => row.rivals?.[rival.key] ?? null) }));
  const lastOf = (values) => values.findLast((value) => value !== null) ?? null;
  const edge = Math.max(0.5, steps.length * 0.01);
  const x = [steps[0] - edge, steps[steps.length - 1] + edge];
  const { ticks } = niceTicks(x[0], x[1], Math.min(10, Math.floor(width / 60)));
  const whole = [...new Set([steps[0], ...ticks.filter((tick) => Number.isInteger(tick) && tick > steps[0])])];
  const frame = drawFrame(canvas, width, height, {
    x, y: rangeOf([ours, ...lines.map((line) => line.values)], { zero: true }),
    keys: [{ text: "this forecast", value: lastOf(ours), sample: "ours" }, ...lines.map((line) => ({ text: line.name, value: lastOf(line.values), sample: line.kind }))],
    xTicks: whole.map((tick) => ({ at: tick, label: formatFixed(tick, 0), below: "" })), xTitle: "steps ahead", yTitle: "mean absolute error",
  });
  const px = (i) => frame.x(steps[i]);
  rows.forEach((row, i) => {
    if (row.better !== false) return;
    const half = Math.max(1.5, (frame.x(steps[0] + 1) - frame.x(steps[0])) / 2);
    canvas.append(svg("rect", { class: "hatch", x: px(i) - half, width: 2 * half, y: frame.top, height: frame.bottom - frame.top }));
  });
  for (const line of lines.reverse()) drawLine(canvas, line.values, px, frame.y, line.kind);
  drawLine(canvas, ours, px, frame.y, "ours");
  rows.forEach((row, i) => {
    if (row.better === false && row.mae !== null) {
      canvas.append(svg("path", { class: "loss", d: `M${px(i) - 5},${frame.y(row.mae) - 12}h10l-5,8z` }));
    }
  });
  drawLabels(canvas, frame);
  addReader(chart, frame, 0, rows.length - 1, (i) => [
    `${formatCount(rows[i].step, "step")} ahead`, `this forecast ${formatNumber(rows[i].mae)}`,
    ...rivals.map((rival) => `${fitted(rival.name, 170)} ${formatNumber(rows[i].rivals?.[rival.key])}`),
    `p ${formatP(rows[i].p)}`, ...(rows[i].better === false ? ["▽ not closer than the rival"] : []),
  ], px);
}

function addHorizonSection(report) {
  if (!report.by_horizon.some((step) => step.mae !== null)) return;
  byId("by-horizon").hidden = false;
  byId("by-horizon-lead").textContent = horizonSentence(report);
  addChart(byId("horizon-chart"), {
    height: (width) => (width < NARROW ? 320 : 340), print: "half", printHeight: 182,
    label: () => `Mean absolute error by step of the horizon. ${horizonSentence(report)}`,
    paint: (canvas, width, height, chart) => paintHorizon(canvas, width, height, chart, report),
  });
  const rivals = shownRivals(report);
  tableOf(byId("horizon-chart"), "Error by step of the horizon", () => [
    ["Step", "This forecast", ...rivals.map((rival) => rival.name), "Better", "p", "Bias", "Coverage 80%"],
    report.by_horizon.map((row) => [
      `${row.step}`, formatNumber(row.mae), ...rivals.map((rival) => formatNumber(row.rivals?.[rival.key])),
      row.better === null ? NOTHING : row.better ? "yes" : "▽ no", formatP(row.p), formatNumber(row.bias), formatPercent(row.coverage_80),
    ]),
  ]);
}

const MARK_SIGNS = { holiday: "◆", gap: "▨", clock: "◐", training: "◀" };
const MARK_NAMES = { holiday: "holiday", gap: "gap in the data", clock: "clock change", training: "end of training" };

/** Marks with their places on the axis of the error over time; those outside are left out. */
function placedMarks(report, grid) {
  const end = grid.length - 1;
  return report.marks
    .map((mark) => ({ ...mark, from: grid.position(mark.time), until: mark.to ? grid.position(mark.to) : null }))
    .filter((mark) => mark.from !== null && mark.from <= end + 0.5 && (mark.until ?? mark.from) >= -0.5)
    .map((mark) => ({ ...mark, from: Math.max(-0.5, mark.from), until: mark.until === null ? null : Math.min(end + 0.5, mark.until) }));
}

function drawMarks(canvas, frame, marks, height) {
  let free = -Infinity;
  for (const mark of [...marks].sort((a, b) => a.from - b.from)) {
    const place = frame.x(mark.from);
    const sign = MARK_SIGNS[mark.kind] ?? "•";
    if (mark.until !== null && mark.until > mark.from) {
      canvas.append(svg("rect", { class: mark.kind === "gap" ? "hatch" : "mark-band", x: place, width: Math.max(2, frame.x(mark.until) - place), y: frame.top, height: frame.bottom - frame.top }));
    }
    canvas.append(svg("line", { class: `mark ${mark.kind === "training" ? "training" : ""}`, x1: place, x2: place, y1: frame.top - 4, y2: frame.bottom }));
    const label = `${sign} ${fitted(mark.label || MARK_NAMES[mark.kind] || mark.kind, 150)}`;
    const room = widthOf(label);
    const start = Math.min(place - 4, frame.right - room);
    if (start > free) {
      canvas.append(svg("text", { class: "label soft", x: start, y: frame.top - 8 }, label));
      free = start + room + 8;
    } else if (place - 4 > free) {
      canvas.append(svg("text", { class: "label soft", x: place - 4, y: frame.top - 8 }, sign));
      free = place + 12;
    }
  }
}

/** How many times a point of the smooth lines is the mean of; 1 where there are few. */
function smoothing(count) {
  return count > 150 ? 2 * Math.floor(count / 80) + 1 : 1;
}

/** The mean of the values around each; null where fewer than half of them are there. */
function smoothed(values, length) {
  const half = (length - 1) / 2;
  return values.map((_, i) => {
    const near = values.slice(Math.max(0, i - half), i + half + 1).filter((value) => value !== null);
    return 2 * near.length > half ? near.reduce((sum, value) => sum + value, 0) / near.length : null;
  });
}

function paintOverTime(canvas, width, height, chart, { report, grid, marks }) {
  const { mae, rival, n } = report.over_time;
  const last = grid.length - 1;
  const lastOf = (values) => values.findLast((value) => value !== null) ?? null;
  const hasRival = rival.some((value) => value !== null);
  const name = report.rivals.find((candidate) => candidate.is_rival)?.name ?? "the rival";
  const frame = drawFrame(canvas, width, height, {
    x: [-0.5, Math.max(0.5, last + 0.5)], y: rangeOf([mae, rival], { zero: true }), topRoom: marks.length ? 18 : 0,
    keys: [{ text: "this forecast", value: lastOf(smoothed(mae, smoothing(mae.length))), sample: "ours" }, ...(hasRival ? [{ text: name, value: lastOf(smoothed(rival, smoothing(mae.length))), sample: "rival" }] : [])],
    xTicks: grid.ticks(0, last, Math.floor(width / 84)), yTitle: "mean absolute error",
  });
  drawMarks(canvas, frame, marks, height);
  const dense = smoothing(mae.length);
  if (dense > 1) drawLine(canvas, mae, frame.x, frame.y, "faint-ours");
  if (hasRival) drawLine(canvas, smoothed(rival, dense), frame.x, frame.y, "rival");
  drawLine(canvas, smoothed(mae, dense), frame.x, frame.y, "ours");
  drawLabels(canvas, frame);
  addReader(chart, frame, 0, last, (i) => [
    grid.label(i), `this forecast ${formatNumber(mae[i])}`, ...(hasRival ? [`${fitted(name, 170)} ${formatNumber(rival[i])}`] : []),
    formatCount(n[i] ?? 0, "forecast"), ...marks.filter((mark) => Math.round(mark.from) <= i && i <= Math.round(mark.until ?? mark.from)).map((mark) => `${MARK_SIGNS[mark.kind] ?? "•"} ${mark.label}`),
  ]);
}

function addOverTimeSection(report) {
  const { times, mae, rival, n } = report.over_time;
  if (!mae.some((value) => value !== null)) return;
  byId("over-time").hidden = false;
  const grid = new TimeGrid(times);
  const marks = placedMarks(report, grid);
  const judged = mae.map((value, i) => i).filter((i) => mae[i] !== null && rival[i] !== null);
  const closer = judged.filter((i) => mae[i] < rival[i]).length;
  const worst = mae.reduce((best, value, i) => (value !== null && (best < 0 || value > mae[best]) ? i : best), -1);
  const sentence = `${judged.length ? `Closer than the rival at ${closer} of ${formatCount(judged.length, "time")}. ` : ""}The largest error, ${formatNumber(mae[worst])}, was at ${grid.label(worst)}.${smoothing(mae.length) > 1 ? ` Thick lines are means of ${smoothing(mae.length)} times, thin ones the error at each.` : ""}`;
  byId("over-time-lead").textContent = sentence;
  addChart(byId("over-time-chart"), {
    height: (width) => (width < NARROW ? 300 : 320), print: "half", printHeight: 182,
    label: () => `Mean absolute error over time. ${sentence}`,
    paint: (canvas, width, height, chart) => paintOverTime(canvas, width, height, chart, { report, grid, marks }),
  });
  const kinds = [...new Set(marks.map((mark) => mark.kind))];
  if (kinds.length) byId("over-time-marks").textContent = `Marks: ${kinds.map((kind) => `${MARK_SIGNS[kind] ?? "•"} ${MARK_NAMES[kind] ?? kind}`).join(", ")}.`;
  byId("over-time-chart").append(byId("over-time-marks"));
  tableOf(byId("over-time-chart"), "Error over time", () => [
    ["Time", "This forecast", "Rival", "Forecasts"],
    times.map((_, i) => [grid.label(i), formatNumber(mae[i]), formatNumber(rival[i]), formatFixed(n[i] ?? 0, 0)]),
  ]);
}
