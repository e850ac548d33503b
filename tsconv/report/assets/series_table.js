// The table of series: sorted by any column, in pages; a choice in it is the page's choice.

const PAGE_LENGTH = 20;

const COLUMNS = [
  { key: "name", head: "Series", text: (row) => row.name },
  { key: "n_origins", head: "Origins", text: (row) => (row.n_origins === null ? NOTHING : formatFixed(row.n_origins, 0)) },
  { key: "mae", head: "Error", hint: "mean absolute error" },
  { key: "rival_mae", head: "Rival", hint: "mean absolute error of the rival" },
  { key: "skill", head: "Skill", hint: "1 − error / error of the rival", text: (row) => (row.skill !== null && row.skill < 0 ? `▽ ${formatPercent(row.skill)}` : formatPercent(row.skill)) },
  { key: "mase", head: "MASE", hint: "error in units of the naive error in training" },
  { key: "bias", head: "Bias", hint: "mean of forecast − what came", like: "mae" },
  { key: "coverage_80", head: "In 80%", hint: "share inside the 80% interval", text: (row) => formatPercent(row.coverage_80) },
  { key: "p", head: "p", hint: "p value of the difference to the rival", text: (row) => formatP(row.p) },
];

/** Rows in the order of a column; rows without a value come last in both directions. */
function sortedRows(rows, key, descending) {
  const sign = descending ? -1 : 1;
  return [...rows].sort((a, b) => {
    const [left, right] = [a[key], b[key]];
    const missing = (left === null || left === undefined) - (right === null || right === undefined);
    if (missing || left === null || left === undefined) return missing || a.place - b.place;
    const order = typeof left === "string" ? left.localeCompare(right, "en", { numeric: true }) : left - right;
    return sign * order || a.place - b.place;
  });
}

/** The best, the median and the worst series as small charts, where they are at least two. */
function addFeatured(report, grid, choice) {
  const titles = new Map();
  for (const [key, title] of [["best", "Best"], ["median", "Median"], ["worst", "Worst"]]) {
    const index = report.featured?.[key];
    if (hasValues(report.series[index]) && !titles.has(index)) titles.set(index, title);
  }
  if (titles.size < 2) return;
  byId("featured").hidden = false;
  for (const [index, title] of titles) {
    const series = unpackSeries(report, index);
    const button = html("button", { type: "button", class: "link" }, nameOf(series));
    button.addEventListener("click", () => choice.set(index));
    const plot = html("div", { class: "plot" });
    const caption = html("figcaption", {}, html("b", {}, title), " ", button, html("span", {}, closeness(report, index)));
    byId("featured").append(html("figure", { class: "small" }, caption, plot));
    addForecastChart(plot, report, grid, () => series, { small: true, height: 130, print: "third", printHeight: 86 });
  }
}

function closeness(report, index) {
  const row = report.by_series.find((candidate) => candidate.series === index);
  if (!row || row.mae === null) return "";
  if (row.skill === null) return `error ${formatNumber(row.mae)}`;
  return `${formatPercent(Math.abs(row.skill))} ${row.skill < 0 ? "less close" : "closer"} than the rival`;
}

function addTableSection(report, grid, choice) {
  if (!report.by_series.length) return;
  byId("series").hidden = false;
  addFeatured(report, grid, choice);
  const rows = report.by_series.map((row, place) => ({ ...row, place, name: row.name ?? nameOf(report.series[row.series] ?? row) }));
  const columns = COLUMNS.filter((column) => rows.some((row) => (row[column.key] ?? null) !== null)).map((column) => {
    const format = columnFormat(rows.map((row) => row[column.like ?? column.key]));
    return { text: (row) => format(row[column.key]), ...column };
  });
  const judged = rows.filter((row) => row.skill !== null);
  const lost = judged.filter((row) => row.skill < 0).length;
  const close = judged.length - lost;
  const count = `${formatFixed(close, 0)} of ${formatFixed(judged.length, 0)} series ${close === 1 ? "is" : "are"}`;
  setLead("series-lead",
    judged.length ? `${count} at least as close as the rival${lost ? "; ▽ marks the others" : ""}.` : `${formatCount(rows.length, "series", "series")} scored.`,
    report.series.length > 1 ? "Choose one to see it in the charts." : "");
  let key = columns.some((column) => column.key === "skill") ? "skill" : "name", descending = false, page = 0;
  const head = html("tr"), body = html("tbody");
  const pages = Math.ceil(rows.length / PAGE_LENGTH);
  const show = () => {
    for (const cell of head.children) cell.setAttribute("aria-sort", cell.dataset.key !== key ? "none" : descending ? "descending" : "ascending");
    const shown = sortedRows(rows, key, descending).slice(page * PAGE_LENGTH, (page + 1) * PAGE_LENGTH);
    body.replaceChildren(...shown.map((row) => tableRow(row, columns, report, choice)));
    byId("page-text").textContent = `${formatFixed(page * PAGE_LENGTH + 1, 0)} to ${formatFixed(page * PAGE_LENGTH + shown.length, 0)} of ${formatFixed(rows.length, 0)}`;
    byId("page-before").disabled = page === 0;
    byId("page-after").disabled = page >= pages - 1;
  };
  for (const column of columns) {
    const button = html("button", { type: "button", title: column.hint }, column.head);
    button.addEventListener("click", () => {
      descending = key === column.key ? !descending : false;
      key = column.key;
      page = 0;
      show();
    });
    head.append(html("th", { scope: "col", "data-key": column.key }, button));
  }
  byId("series-table").append(html("table", { class: "sortable" }, html("caption", { class: "unseen" }, "Error of each series"), html("thead", {}, head), body));
  byId("pager").hidden = pages < 2;
  for (const [id, by] of [["page-before", -1], ["page-after", 1]]) {
    byId(id).addEventListener("click", () => {
      page = Math.max(0, Math.min(pages - 1, page + by));
      show();
    });
  }
  choice.listen(show);
}

function tableRow(row, columns, report, choice) {
  const chosen = choice.get().index === row.series;
  const element = html("tr", { "aria-current": chosen ? "true" : null });
  columns.forEach((column) => {
    if (column.key !== "name") {
      element.append(html("td", {}, column.text(row)));
      return;
    }
    const button = html("button", { type: "button", class: "link", title: row.name }, row.name);
    element.append(html("th", { scope: "row" }, button));
  });
  element.addEventListener("click", () => {
    if (!report.series[row.series]) return;
    choice.set(row.series);
    byId("coming").scrollIntoView({ block: "start" });
    byId("coming-title").focus({ preventScroll: true });
  });
  return element;
}
