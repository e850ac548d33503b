// Ranges, nice ticks and positions on the paper.

/** The nearest of 1, 2, 5, 10, ... at or above a distance. */
function niceStep(distance) {
  if (!(distance > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(distance));
  const factor = [1, 2, 5, 10].find((candidate) => candidate * power >= distance * (1 - 1e-9));
  return factor * power;
}

function niceTicks(low, high, most) {
  const step = niceStep((high - low) / Math.max(1, most));
  const ticks = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; i++) ticks.push(i * step);
  return { ticks, decimals: decimalsOf(step) };
}

/** The lowest and the highest of lists of numbers and nulls, with some air; [0, 1] for none. */
function rangeOf(lists, { zero = false, air = 0.05 } = {}) {
  let low = Infinity, high = -Infinity;
  for (const list of lists) {
    for (const value of list ?? []) {
      if (value === null || value === undefined) continue;
      if (value < low) low = value;
      if (value > high) high = value;
    }
  }
  if (low > high) return [0, 1];
  if (zero) low = Math.min(0, low);
  if (zero) high = Math.max(0, high);
  if (low === high) return [low - Math.max(0.5, Math.abs(low) * 0.1), high + Math.max(0.5, Math.abs(high) * 0.1)];
  const margin = (high - low) * air;
  return [zero && low === 0 ? 0 : low - margin, high + margin];
}

function linear([fromLow, fromHigh], [toLow, toHigh]) {
  const factor = fromHigh === fromLow ? 0 : (toHigh - toLow) / (fromHigh - fromLow);
  return (value) => toLow + (value - fromLow) * factor;
}

/** Labels moved apart so that none covers another; each has `y` and gets `place`. */
function spread(labels, distance, top, bottom) {
  const sorted = [...labels].sort((a, b) => a.y - b.y);
  let floor = top;
  for (const label of sorted) {
    label.place = Math.max(label.y, floor);
    floor = label.place + distance;
  }
  let ceiling = bottom;
  for (const label of sorted.reverse()) {
    label.place = Math.min(label.place, ceiling);
    ceiling = label.place - distance;
  }
  return labels;
}
