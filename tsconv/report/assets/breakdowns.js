// Where the error comes from: categories of covariates, components of the forecast, importance.

/** Bars with a name, a number and, where there is one, the rival's length as an upright mark. */
function barTable(caption, heads, rows) {
  const most = Math.max(...rows.flatMap((row) => [Math.abs(row.value ?? 0), Math.abs(row.rival ?? 0)]), 1e-300);
  const share = (value) => `${Math.max(0, (100 * Math.abs(value)) / most).toFixed(2)}%`;
  const table = html("table", { class: "bars" }, html("caption", { class: "unseen" }, caption),
    html("thead", {}, html("tr", {}, ...heads.map((head) => html("th", { scope: "col" }, head)))));
  const body = html("tbody");
  for (const row of rows) {
    const bar = html("div", { class: "bar", "aria-hidden": "true" });
    if (row.value !== null) {
      const length = html("i", { class: row.value < 0 ? "less" : "" });
      length.style.width = share(row.value);
      bar.append(length);
    }
    if ((row.rival ?? null) !== null) {
      const mark = html("em");
      mark.style.left = share(row.rival);
      bar.append(mark);
    }
    body.append(html("tr", {}, html("th", { scope: "row", title: row.name }, row.name), ...row.cells.map((text) => html("td", {}, text)), html("td", { class: "bar-cell" }, bar)));
  }
  table.append(body);
  return html("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": caption }, table);
}

function addCategories(report) {
  const rows = report.categories.filter((row) => row.mae !== null);
  if (!rows.length) return;
  byId("categories").hidden = false;
  const hasRival = rows.some((row) => row.rival_mae !== null);
  const groups = new Map();
  for (const row of rows) groups.set(row.covariate, [...(groups.get(row.covariate) ?? []), row]);
  byId("categories-lead").textContent = hasRival ? "Bars are the error of this forecast; the upright mark is the rival’s." : "Bars are the error of this forecast.";
  for (const [covariate, group] of groups) {
    byId("category-tables").append(html("div", {}, html("h3", {}, covariate), barTable(`Error by category of ${covariate}`,
      ["Category", "Values", "Error", ...(hasRival ? ["Rival"] : []), ""],
      group.map((row) => ({
        name: row.category, value: row.mae, rival: row.rival_mae,
        cells: [formatFixed(row.n, 0), `${row.rival_mae !== null && row.mae >= row.rival_mae ? "▽ " : ""}${formatNumber(row.mae)}`, ...(hasRival ? [formatNumber(row.rival_mae)] : [])],
      })))));
  }
}

const PRINTED_PANELS = 4;

/** The values of each component of one example, one above the other, with the sum at the top. */
function paintComponents(canvas, width, height, { names, example, grid }) {
  const panels = [["median forecast", example.median], ...names.map((name) => [name, example.values[name]])].filter(([, values]) => values?.some((value) => value !== null));
  const left = 64, right = width - 8;
  const px = linear([0, Math.max(1, grid.length - 1)], [left, right]);
  if (printing) panels.splice(PRINTED_PANELS);
  const each = (height - 40) / panels.length;
  panels.forEach(([name, values], i) => {
    const top = i * each + 18, bottom = (i + 1) * each - 6;
    const [low, high] = rangeOf([values], { air: 0.02 });
    const py = linear([low, high], [bottom, top]);
    const ticks = niceTicks(low, high, 2);
    canvas.append(svg("text", { class: "label", x: left, y: top - 5 }, fitted(name, right - left)));
    for (const tick of ticks.ticks) {
      canvas.append(svg("line", { class: tick === 0 ? "grid zero" : "grid", x1: left, x2: right, y1: py(tick), y2: py(tick) }),
        svg("text", { class: "tick", x: left - 7, y: py(tick) + 4, "text-anchor": "end" }, Math.abs(tick) >= 1e6 ? formatNumber(tick) : formatFixed(tick, ticks.decimals)));
    }
    drawLine(canvas, values, px, py, i ? "observed" : "ours");
  });
  const frame = { left, right, bottom: height - 36, x: px };
  drawXAxis(canvas, frame, grid.ticks(0, grid.length - 1, Math.floor(width / 90)), "", height, width);
}

function addComponents(report) {
  const components = report.components;
  if (!components || !components.names.length) return;
  byId("components").hidden = false;
  const rows = components.names.map((name, i) => ({ name, value: components.share[i] ?? null })).sort((a, b) => (b.value ?? 0) - (a.value ?? 0));
  byId("component-shares").append(barTable("Mean absolute size of each component", ["Component", "Mean size", ""], rows.map((row) => ({ ...row, cells: [formatNumber(row.value)] }))));
  const example = components.examples[0];
  if (!example) return;
  const grid = new TimeGrid(example.times);
  const series = report.series[example.series];
  const names = rows.map((row) => row.name).filter((name) => example.values[name]).slice(0, 7);
  const caption = `One forecast, component by component${series ? `: ${nameOf(series)}` : ""}`;
  const plot = html("div", { class: "plot" });
  byId("component-example").append(html("figcaption", {}, html("b", {}, caption)), plot);
  addChart(plot, {
    height: 70 * (names.length + 1) + 40, print: "half", printHeight: 33 * Math.min(PRINTED_PANELS, names.length + 1) + 40,
    label: () => `${caption}, from ${grid.label(0)} to ${grid.label(grid.length - 1)}: the median and ${names.join(", ")}.`,
    paint: (canvas, width, height) => paintComponents(canvas, width, height, { names, example, grid }),
  });
  tableOf(plot, caption, () => [["Time", "Median", ...names], example.times.map((_, i) => [grid.label(i), formatNumber(example.median[i]), ...names.map((name) => formatNumber(example.values[name][i]))])]);
}

function addImportance(report) {
  const rows = report.importance.filter((row) => row.change !== null).sort((a, b) => b.change - a.change);
  if (!rows.length) return;
  byId("importance").hidden = false;
  const kinds = new Set(rows.map((row) => row.kind)).size > 1;
  byId("importance-table").append(barTable("Rise of the error when a covariate is permuted", ["Name", ...(kinds ? ["Kind"] : []), "Rise of the error", ""],
    rows.map((row) => ({ name: row.name, value: row.change, cells: [...(kinds ? [row.kind] : []), formatPercent(row.change)] }))));
}
