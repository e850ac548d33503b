// Elements of the page. Text of the report goes in as text nodes only, never as markup.

const SVG = "http://www.w3.org/2000/svg";

function html(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

function svg(tag, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, tag), attributes, children);
}

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

function byId(id) {
  return document.getElementById(id);
}

/** A lead: a sentence, and what to do with the mouse or the keyboard, which paper leaves out. */
function setLead(id, sentence, advice = "") {
  byId(id).replaceChildren(sentence, ...(advice ? [html("span", { class: "screen" }, ` ${advice}`)] : []));
}

/** A table of texts; the first column heads its row. */
function plainTable(caption, heads, rows) {
  const head = html("tr", {}, ...heads.map((text) => html("th", { scope: "col", title: text }, text)));
  const body = rows.map(([name, ...cells]) =>
    html("tr", {}, html("th", { scope: "row" }, name), ...cells.map((text) => html("td", {}, text))));
  return html("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": caption },
    html("table", {}, html("caption", { class: "unseen" }, caption), html("thead", {}, head), html("tbody", {}, ...body)));
}

/** The same figures as a table, made when it is opened. */
function tableOf(host, caption, make) {
  const details = html("details", { class: "figures" }, html("summary", {}, "Figures as a table"));
  details.addEventListener("toggle", () => {
    details.querySelector(".scroll")?.remove();
    if (details.open) details.append(plainTable(caption, ...make()));
  });
  host.append(details);
  return { renew: () => { details.open = false; } };
}
