// The choice of a series: a search box with a list, and whoever wants to know of a choice.

const MOST_OPTIONS = 60;

function makeChoice(report) {
  const listeners = [];
  let series = unpackSeries(report, report.featured?.median ?? 0);
  return {
    get: () => series,
    listen: (listener) => {
      listeners.push(listener);
      listener(series);
    },
    set: (index) => {
      series = unpackSeries(report, index);
      for (const listener of listeners) listener(series);
    },
  };
}

/** What tells a series from others beside its name: "row north, channel load". */
function placeOf(series) {
  const parts = [["id", series.id], ["row", series.row], ["channel", series.channel]];
  return parts.filter(([, value]) => value && value !== series.name).map(([kind, value]) => `${kind} ${value}`).join(", ");
}

/** Indices of the series whose name, id, row and channel hold all words of a text. */
function findSeries(report, text) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const found = [];
  report.series.forEach((series, index) => {
    const all = [series.name, series.id, series.row, series.channel].filter(Boolean).join(" ").toLowerCase();
    if (words.every((word) => all.includes(word))) found.push(index);
  });
  return found;
}

/** A combobox: type to search, arrow keys to move, Enter to choose, Escape to close. */
function addPicker(report, choice) {
  if (report.series.length < 2) return;
  const field = byId("series-search"), list = byId("series-list"), count = byId("series-count");
  byId("picker").hidden = false;
  let found = [], active = -1;
  const close = () => {
    list.hidden = true;
    field.setAttribute("aria-expanded", "false");
    field.removeAttribute("aria-activedescendant");
  };
  const choose = (index) => {
    choice.set(index);
    close();
  };
  const mark = (next) => {
    active = found.length ? (next + found.length) % found.length : -1;
    [...list.children].forEach((option, i) => option.setAttribute("aria-selected", `${i === active}`));
    const option = list.children[active];
    if (!option) return;
    field.setAttribute("aria-activedescendant", option.id);
    option.scrollIntoView({ block: "nearest" });
  };
  const open = (text) => {
    const matches = findSeries(report, text);
    found = matches.slice(0, MOST_OPTIONS);
    list.replaceChildren(...found.map((index, i) => {
      const series = report.series[index];
      const option = html("li", { role: "option", id: `option-${i}` }, html("span", {}, nameOf(series)), html("small", {}, placeOf(series)));
      option.addEventListener("mousedown", (event) => {
        event.preventDefault();
        choose(index);
      });
      return option;
    }));
    count.textContent = matches.length > found.length ? `${formatFixed(matches.length, 0)} found, the first ${found.length} shown` : `${formatFixed(matches.length, 0)} found`;
    list.hidden = found.length === 0;
    field.setAttribute("aria-expanded", `${found.length > 0}`);
    mark(0);
  };
  const restore = () => {
    close();
    field.value = nameOf(choice.get());
    count.textContent = `${formatFixed(report.series.length, 0)} series`;
  };
  field.addEventListener("focus", () => field.select());
  field.addEventListener("click", () => list.hidden && open(""));
  field.addEventListener("input", () => open(field.value));
  field.addEventListener("blur", restore);
  field.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (list.hidden) open("");
      else mark(active + (event.key === "ArrowDown" ? 1 : -1));
    } else if (event.key === "Enter" && !list.hidden && active >= 0) choose(found[active]);
    else if (event.key === "Escape") restore();
  });
  const step = (by) => choice.set((choice.get().index + by + report.series.length) % report.series.length);
  byId("series-before").addEventListener("click", () => step(-1));
  byId("series-after").addEventListener("click", () => step(1));
  choice.listen(restore);
}
