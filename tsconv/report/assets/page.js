// Puts the page together from the report; sections without data stay hidden.

const THEME_NAMES = { light: "Dark", dark: "Light" };

function addCards(report) {
  const host = byId("cards");
  for (const card of report.cards) {
    host.append(html("div", { class: "card", role: "listitem" },
      html("h3", {}, card.title), html("p", { class: "figure" }, card.value ?? NOTHING), html("p", {}, card.detail ?? ""),
      ...[card.rival, card.chance].filter(Boolean).map((line) => html("p", { class: "beside" }, line))));
  }
  host.hidden = !report.cards.length;
}

function addFinePrint(report) {
  for (const { label, value } of report.fine_print) {
    byId("fine-list").append(html("div", {}, html("dt", {}, label), html("dd", {}, `${value ?? NOTHING}`)));
  }
  for (const sentence of report.thinned) byId("thinned").append(html("p", {}, sentence));
  byId("fine").hidden = !report.fine_print.length && !report.thinned.length && !report.command;
  byId("command-block").hidden = !report.command;
  byId("command").textContent = report.command ?? "";
  byId("copy").addEventListener("click", async () => {
    const note = byId("copy-note");
    try {
      await navigator.clipboard.writeText(report.command);
      note.textContent = "Copied.";
    } catch {
      getSelection().selectAllChildren(byId("command"));
      note.textContent = "Selected: copy it with the keyboard.";
    }
  });
}

function addThemeButton() {
  const root = document.documentElement, button = byId("theme");
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const current = () => root.dataset.theme ?? (dark.matches ? "dark" : "light");
  const name = () => { button.textContent = `${THEME_NAMES[current()]} page`; };
  button.addEventListener("click", () => {
    root.dataset.theme = current() === "dark" ? "light" : "dark";
    name();
  });
  dark.addEventListener("change", name);
  name();
}

/** Paper has a width of its own: charts are drawn again for it, and back afterwards. */
function drawForPrint() {
  const draw = (value) => {
    if (printing === value) return;
    printing = value;
    drawAll();
  };
  addEventListener("beforeprint", () => draw(true));
  addEventListener("afterprint", () => draw(false));
  matchMedia("print").addEventListener("change", (event) => draw(event.matches));
}

async function start() {
  addThemeButton();
  if (typeof DecompressionStream === "undefined" || !Array.prototype.findLast) {
    byId("too-old").hidden = false;
    return;
  }
  const report = await readReport();
  const grid = new TimeGrid(report.times);
  addCards(report);
  if (report.series.length) {
    const choice = makeChoice(report);
    addPicker(report, choice);
    addForecastSection(report, grid, choice);
    addSaidSection(report, grid, choice);
    addTableSection(report, grid, choice);
  } else addTableSection(report, grid, { get: () => ({}), set: () => {}, listen: (listener) => listener({}) });
  addHorizonSection(report);
  addOverTimeSection(report);
  addCoverageSection(report);
  addCategories(report);
  addComponents(report);
  addImportance(report);
  addFinePrint(report);
  for (const chart of allCharts.filter((one) => !one.width)) chart.draw(); // not seen by an observer yet
  drawForPrint();
  document.documentElement.dataset.ready = "yes";
}

start().catch((error) => {
  byId("failed").textContent = `The charts could not be drawn: ${error.message}.`;
  byId("failed").hidden = false;
  throw error;
});
