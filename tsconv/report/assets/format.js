// How numbers, shares and p values are written, everywhere on the page.

const NOTHING = "–";

function grouped(text) {
  const [whole, part] = text.replace("-", "").split(".");
  const thousands = whole.replace(/\B(?=(\d{3})+$)/g, ",");
  return (text.startsWith("-") ? "−" : "") + thousands + (part ? `.${part}` : "");
}

/** A number with a fixed count of decimals: 12,345.60. */
function formatFixed(value, decimals) {
  if (value === null || value === undefined || !Number.isFinite(value)) return NOTHING;
  const text = value.toFixed(Math.max(0, Math.min(12, decimals)));
  return grouped(/^-0(\.0*)?$/.test(text) ? text.slice(1) : text);
}

/** A number with three or more digits that count: 0.0123, 1.23, 12.3, 123, 12,345. */
function formatNumber(value) {
  if (value === null || value === undefined || !Number.isFinite(value)) return NOTHING;
  const size = Math.abs(value);
  if (size === 0) return "0";
  if (size >= 1e9 || size < 1e-4) return value.toExponential(2).replace("-", "−");
  return formatFixed(value, size >= 100 ? 0 : 2 - Math.floor(Math.log10(size)));
}

/** Numbers that belong together, with the same decimals: those that the largest needs. */
function formatAlike(values) {
  const size = Math.max(...values.map(Math.abs));
  if (size === 0 || size >= 1e9 || size < 1e-4) return values.map(formatNumber);
  const decimals = size >= 100 ? 0 : 2 - Math.floor(Math.log10(size));
  return values.map((value) => formatFixed(value, decimals));
}

/** How to write the numbers of a column: with the same decimals, where their sizes are similar. */
function columnFormat(values) {
  const sizes = values.filter((value) => typeof value === "number" && value !== 0).map(Math.abs).sort((a, b) => a - b);
  if (!sizes.length) return formatNumber;
  const at = (share) => sizes[Math.floor(share * (sizes.length - 1))];
  if (at(0.95) > 1000 * at(0.05) || at(0.5) >= 1e9 || at(0.5) < 1e-4) return formatNumber;
  const decimals = at(0.5) >= 100 ? 0 : 2 - Math.floor(Math.log10(at(0.5)));
  return (value) => formatFixed(value, decimals);
}

/** Decimals that tell apart numbers of this distance. */
function decimalsOf(distance) {
  return distance > 0 ? Math.max(0, Math.ceil(-Math.log10(distance) - 1e-9)) : 0;
}

function formatPercent(share) {
  if (share === null || share === undefined) return NOTHING;
  return `${formatFixed(100 * share, Math.abs(share) < 0.0995 ? 1 : 0).replace(/\.0$/, "")}%`;
}

function formatP(p) {
  if (p === null || p === undefined) return NOTHING;
  return p < 0.001 ? "< 0.001" : formatFixed(p, p < 0.1 ? 3 : 2);
}

function formatCount(count, noun, plural = `${noun}s`) {
  return `${formatFixed(count, 0)} ${count === 1 ? noun : plural}`;
}

/** Runs of whole numbers: [1, 2, 3, 7] gives "1–3, 7", unbroken. */
function formatRuns(numbers) {
  const runs = [];
  for (const number of numbers) {
    const last = runs[runs.length - 1];
    if (last && number === last[1] + 1) last[1] = number;
    else runs.push([number, number]);
  }
  return runs.map(([a, b]) => (a === b ? `${a}` : `${a}\u2060–\u2060${b}`)).join(", ");
}

const brush = document.createElement("canvas").getContext("2d");
brush.font = `600 12px ${getComputedStyle(document.body).fontFamily}`;

/** The width of a label in pixels, as the page's own font draws it. */
function widthOf(text) {
  return brush.measureText(text).width;
}

/** A text cut to a width in pixels, with an ellipsis. */
function fitted(text, width) {
  if (widthOf(text) <= width) return text;
  const characters = Array.from(text).slice(0, 200);
  while (characters.length > 3 && widthOf(`${characters.join("")}…`) > width) characters.pop();
  return `${characters.join("")}…`;
}

function nameOf(series) {
  return series.name || [series.id, series.row, series.channel].filter(Boolean).join(", ") || "unnamed";
}
