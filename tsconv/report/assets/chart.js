// What all charts share: a canvas as wide as its place, a frame with axes, labels, a value reader.

const allCharts = [];
const PRINT_WIDTHS = { full: 700, half: 345, third: 228 };
const NARROW = 560;
const LABEL_WIDTH = 210; // of the names at the right ends of lines
let printing = false;

function resolved(value, ...given) {
  return typeof value === "function" ? value(...given) : value;
}

/** A chart in `host` that `paint(canvas, width, height)` draws again whenever the width changes. */
function addChart(host, { height, print = "full", printHeight, label, paint }) {
  const canvas = svg("svg", { role: "img", class: "chart" });
  const chart = { host, canvas, width: 0, label: label ?? (() => "") };
  chart.draw = () => {
    const width = printing ? PRINT_WIDTHS[print] : Math.floor(host.clientWidth);
    if (!width) return;
    chart.width = width;
    const tall = Math.round(resolved(printing && printHeight ? printHeight : height, width));
    canvas.replaceChildren();
    filled(canvas, { viewBox: `0 0 ${width} ${tall}`, width, height: tall, "aria-label": chart.label() }, []);
    paint(canvas, width, tall, chart);
  };
  host.append(canvas);
  new ResizeObserver(() => {
    if (!printing && Math.floor(host.clientWidth) !== chart.width) chart.draw();
  }).observe(host);
  allCharts.push(chart);
  return chart;
}

/** The height of a chart on the first printed page: more where few warnings leave room. */
function printRoom(least, most) {
  return () => (document.querySelectorAll(".warnings li").length > 2 ? least : most);
}

function drawAll() {
  for (const chart of allCharts) chart.draw();
}

/**
 * Axes and their labels; returns positions x(value), y(value) and the borders.
 * keys: [{text, value, sample}] name lines at their right ends, or above where the chart is narrow.
 */
function drawFrame(canvas, width, height, options) {
  const { x, y, xTicks, xTitle = "", yTitle = "", keys = [], yFormat, yMost } = options;
  const room = (height - 60) / 38;
  const { ticks, decimals } = niceTicks(y[0], y[1], yMost ?? Math.max(2, Math.min(6, Math.floor(room))));
  const texts = ticks.map((tick) => (yFormat ? yFormat(tick) : formatFixed(tick, decimals)));
  const above = width < NARROW || options.keysAbove;
  const longest = Math.max(0, ...keys.map((key) => widthOf(fitted(key.text, LABEL_WIDTH))));
  const rows = above ? keyRows(keys, width) : [];
  const frame = {
    left: Math.max(24, 10 + Math.max(0, ...texts.map(widthOf))),
    right: width - (above || !keys.length ? 12 : 14 + longest),
    top: 10 + (yTitle ? 16 : 0) + 17 * rows.length + (options.topRoom ?? 0),
    bottom: height - 22 - (xTicks.some((tick) => tick.below) ? 14 : 0) - (xTitle ? 17 : 0),
  };
  frame.x = linear(x, [frame.left, frame.right]);
  frame.y = linear(y, [frame.bottom, frame.top]);
  if (yTitle) canvas.append(svg("text", { class: "axis-title", x: 0, y: 11 }, yTitle));
  ticks.forEach((tick, i) => {
    const at = frame.y(tick);
    canvas.append(
      svg("line", { class: tick === 0 ? "grid zero" : "grid", x1: frame.left, x2: frame.right, y1: at, y2: at }),
      svg("text", { class: "tick", x: frame.left - 7, y: at + 4, "text-anchor": "end" }, texts[i]));
  });
  drawXAxis(canvas, frame, xTicks, xTitle, height, width);
  if (above) drawKeyRows(canvas, rows, yTitle ? 30 : 12);
  frame.keys = above ? [] : keys;
  return frame;
}

function drawXAxis(canvas, frame, ticks, title, height, width) {
  canvas.append(svg("line", { class: "axis", x1: frame.left, x2: frame.right, y1: frame.bottom, y2: frame.bottom }));
  let free = -Infinity, freeBelow = -Infinity;
  for (const { at, label, below } of ticks) {
    const place = frame.x(at);
    canvas.append(svg("line", { class: "axis", x1: place, x2: place, y1: frame.bottom, y2: frame.bottom + 4 }));
    const half = widthOf(label) / 2;
    const middle = Math.min(Math.max(place, half), width - half);
    if (middle - half > free) {
      canvas.append(svg("text", { class: "tick", x: middle, y: frame.bottom + 17, "text-anchor": "middle" }, label));
      free = middle + half + 6;
    }
    const halfBelow = widthOf(below ?? "") / 2;
    const middleBelow = Math.min(Math.max(place, halfBelow), width - halfBelow);
    if (below && middleBelow - halfBelow > freeBelow) {
      canvas.append(svg("text", { class: "tick strong", x: middleBelow, y: frame.bottom + 31, "text-anchor": "middle" }, below));
      freeBelow = middleBelow + halfBelow + 6;
    }
  }
  if (title) canvas.append(svg("text", { class: "axis-title", x: frame.right, y: height - 4, "text-anchor": "end" }, title));
}

/** Names of lines above the chart, as many in a row as there is room for. */
function keyRows(keys, width) {
  const rows = [];
  let free = 0;
  for (const key of keys) {
    const text = fitted(key.text, width - 40);
    const needed = 28 + widthOf(text) + 18;
    if (!rows.length || free + needed > width + 18) {
      rows.push([]);
      free = 0;
    }
    rows[rows.length - 1].push({ ...key, text, at: free });
    free += needed;
  }
  return rows;
}

function drawKeyRows(canvas, rows, top) {
  rows.forEach((row, i) => {
    for (const { text, at, sample } of row) {
      const y = top + 17 * i;
      canvas.append(
        sample === "band" || sample === "hatch"
          ? svg("rect", { class: sample, x: at, y: y - 9, width: 22, height: 10 })
          : svg("line", { class: `line ${sample}`, x1: at, x2: at + 22, y1: y - 4, y2: y - 4 }),
        svg("text", { class: "label", x: at + 28, y }, text));
    }
  });
}

/** The names of lines at their right ends, moved apart. */
function drawLabels(canvas, frame, x = frame.right) {
  const labels = frame.keys
    .filter((key) => key.value !== null && key.value !== undefined)
    .map((key) => ({ ...key, y: frame.y(key.value) }));
  for (const label of spread(labels, 15, frame.top + 4, frame.bottom - 2)) {
    if (Math.abs(label.place - label.y) > 5) {
      canvas.append(svg("path", { class: "leader", d: `M${x + 1},${label.y}L${x + 7},${label.place}` }));
    }
    canvas.append(svg("text", { class: `label ${label.sample}-text`, x: x + 10, y: label.place + 4 }, fitted(label.text, LABEL_WIDTH)));
  }
}

/** The path of a line through points; it breaks where a value is null. */
function linePath(values, px, py) {
  let path = "", drawing = false;
  values.forEach((value, i) => {
    if (value === null || value === undefined) {
      drawing = false;
      return;
    }
    path += `${drawing ? "L" : "M"}${px(i).toFixed(1)},${py(value).toFixed(1)}`;
    drawing = true;
  });
  return path;
}

/** A line; points that stand alone between gaps are dots. */
function drawLine(canvas, values, px, py, kind) {
  canvas.append(svg("path", { class: `line ${kind}`, d: linePath(values, px, py) }));
  values.forEach((value, i) => {
    const alone = (values[i - 1] ?? null) === null && (values[i + 1] ?? null) === null;
    if (alone && value !== null && value !== undefined) {
      canvas.append(svg("circle", { class: `dot ${kind}`, cx: px(i).toFixed(1), cy: py(value).toFixed(1), r: 1.6 }));
    }
  });
}

function drawBand(canvas, low, high, px, py, edges = true) {
  const there = low.map((value, i) => i).filter((i) => low[i] !== null && high[i] !== null);
  if (!there.length) return;
  const upper = there.map((i) => `${px(i).toFixed(1)},${py(high[i]).toFixed(1)}`);
  const lower = there.map((i) => `${px(i).toFixed(1)},${py(low[i]).toFixed(1)}`);
  canvas.append(svg("path", { class: "band", d: `M${upper.join("L")}L${[...lower].reverse().join("L")}Z` }));
  if (!edges) return;
  canvas.append(
    svg("path", { class: "line edge", d: `M${upper.join("L")}` }),
    svg("path", { class: "line edge", d: `M${lower.join("L")}` }));
}

/**
 * Reads values under the pointer, or with the arrow keys: `read(index)` gives the lines of text.
 * from, to: the first and the last index of the x axis.
 */
function addReader(chart, frame, from, to, read, px = frame.x) {
  const { canvas, host } = chart;
  const cursor = svg("line", { class: "cursor", y1: frame.top, y2: frame.bottom, visibility: "hidden" });
  canvas.append(cursor);
  let tip = host.querySelector(".tip");
  if (!tip) host.append((tip = html("div", { class: "tip", role: "status", hidden: true })));
  tip.hidden = true;
  let index = null;
  const show = (next) => {
    index = Math.max(from, Math.min(to, next));
    const lines = read(index);
    if (!lines) return hide();
    const place = px(index);
    filled(cursor, { x1: place, x2: place, visibility: "visible" }, []);
    tip.replaceChildren(...lines.map((line, i) => html(i ? "div" : "strong", {}, line)));
    tip.hidden = false;
    const left = place + 14 + tip.offsetWidth > chart.width ? place - 14 - tip.offsetWidth : place + 14;
    tip.style.left = `${Math.max(0, Math.min(left, chart.width - tip.offsetWidth))}px`;
    tip.style.top = `${frame.top}px`;
  };
  const hide = () => {
    tip.hidden = true;
    cursor.setAttribute("visibility", "hidden");
  };
  canvas.setAttribute("tabindex", "0");
  canvas.setAttribute("aria-label", `${chart.label()} The arrow keys read its values.`);
  canvas.onpointermove = (event) => {
    const box = canvas.getBoundingClientRect();
    const place = ((event.clientX - box.left) / box.width) * chart.width;
    show(Math.round(from + ((place - px(from)) / (px(to) - px(from) || 1)) * (to - from)));
  };
  canvas.onpointerleave = hide;
  canvas.onblur = hide;
  canvas.onkeydown = (event) => {
    const move = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10 }[event.key];
    if (event.key === "Escape") hide();
    if (move === undefined) return;
    event.preventDefault();
    show(index === null ? (move > 0 ? from : to) : index + move);
  };
}
