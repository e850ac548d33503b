// The report that the page carries: base64, gzip, JSON with numbers as deltas of fixed-point integers.

/** Numbers of a packed array [exponent, delta, delta, ...]; null where nothing was there. */
function unpackNumbers(packed) {
  if (!packed) return [];
  const exponent = packed[0];
  const divisor = 10 ** Math.abs(exponent);
  const numbers = new Array(packed.length - 1);
  let sum = 0;
  for (let i = 1; i < packed.length; i++) {
    if (packed[i] === null) {
      numbers[i - 1] = null;
      continue;
    }
    sum += packed[i];
    numbers[i - 1] = exponent >= 0 ? sum / divisor : sum * divisor;
  }
  return numbers;
}

function unpackLevels(levels, shape) {
  const found = {};
  for (const [level, packed] of Object.entries(levels)) found[level] = shape(unpackNumbers(packed));
  return found;
}

function rowsOf(numbers, length) {
  const rows = [];
  for (let i = 0; i < numbers.length; i += length) rows.push(numbers.slice(i, i + length));
  return rows;
}

/** One series with its arrays unpacked; kept, since unpacking thousands at once takes long. */
function unpackSeries(report, index) {
  const packed = report.series[index];
  if (packed.unpacked) return packed.unpacked;
  const { name, id, row, channel, first, origin, year_before: before, said } = packed;
  packed.unpacked = {
    index, name, id, row, channel, first, origin,
    history: unpackNumbers(packed.history),
    coming: packed.coming && unpackLevels(packed.coming, (numbers) => numbers),
    before: before && { label: before.label, values: unpackNumbers(before.values) },
    said: said && {
      origins: unpackNumbers(said.origins),
      levels: unpackLevels(said.levels, (numbers) => rowsOf(numbers, report.horizon)),
    },
  };
  return packed.unpacked;
}

/** Whether a packed series has anything to draw. */
function hasValues(packed) {
  return Boolean(packed && (packed.coming || packed.history.slice(1).some((delta) => delta !== null)));
}

/** The value that came at an index of the time grid, or null. */
function observedAt(series, time) {
  return series.history[time - series.first] ?? null;
}

/** Levels of quantiles in order: the lowest, the middle one, the highest; null where there is none. */
function outerLevels(levels) {
  const keys = Object.keys(levels).sort((a, b) => a - b);
  const middle = keys.find((key) => Math.abs(key - 0.5) < 1e-9) ?? keys[Math.floor(keys.length / 2)];
  const low = keys[0], high = keys[keys.length - 1];
  const paired = keys.length > 1 && low < 0.5 && high > 0.5;
  return { low: paired ? low : null, middle, high: paired ? high : null };
}

/** "80%" of the levels 0.1 and 0.9. */
function bandName(outer) {
  return `${formatFixed(100 * (outer.high - outer.low), 0)}%`;
}

async function readReport() {
  const text = document.getElementById("report-data").textContent.trim();
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return JSON.parse(await new Response(stream).text());
}
