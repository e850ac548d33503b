// The grid of times: texts such as "2024-01-01 13:00", "2024-01-01" or "17", read as UTC.

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const DAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const HOUR = 3600e3, DAY = 24 * HOUR;

/** A text as a number: milliseconds, or the integer itself; null where it is neither. */
function parseTime(text) {
  if (text === null || text === undefined) return null;
  const parts = /^(\d{4})-(\d{2})-(\d{2})(?:[ T](\d{2}):(\d{2})(?::(\d{2}))?)?/.exec(text);
  if (parts) {
    const [, y, m, d, hour = 0, minute = 0, second = 0] = parts;
    return Date.UTC(y, m - 1, d, hour, minute, second);
  }
  return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : null;
}

/** A grid of times that goes on past its last text. */
class TimeGrid {
  constructor(texts) {
    this.texts = texts;
    this.values = texts.map(parseTime);
    const known = texts.length > 0 && this.values.every((value) => value !== null);
    this.kind = !known ? "text" : /^\d{4}-\d{2}-\d{2}/.test(texts[0]) ? "date" : "integer";
    const steps = this.values.slice(1).map((value, i) => value - this.values[i]).sort((a, b) => a - b);
    this.step = steps.length ? steps[Math.floor(steps.length / 2)] : 1;
    this.hasHours = this.kind === "date" && texts.some((text) => /[ T]\d{2}:\d{2}/.test(text) && !/ 00:00/.test(text));
  }

  get length() {
    return this.texts.length;
  }

  value(index) {
    if (this.kind === "text") return index;
    if (index >= 0 && index < this.length) return this.values[index];
    const end = index < 0 ? 0 : this.length - 1;
    const beyond = index - end;
    if (this.kind === "date" && this.step >= 28 * DAY) {
      const months = Math.round(this.step / (30.44 * DAY));
      const date = new Date(this.values[end]);
      const lastDay = new Date(this.values[end] + DAY).getUTCDate() === 1;
      const day = lastDay ? 0 : date.getUTCDate();
      return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + months * beyond + (lastDay ? 1 : 0), day);
    }
    return this.values[end] + beyond * this.step;
  }

  /** A position between the indices for a time that is not on the grid; null where unknown. */
  position(text) {
    const exact = this.texts.indexOf(text);
    if (exact >= 0) return exact;
    const value = parseTime(text);
    if (value === null || this.kind === "text") return null;
    const after = this.values.findIndex((other) => other >= value);
    if (after < 0) return this.length - 1 + (value - this.values[this.length - 1]) / this.step;
    if (after === 0) return (value - this.values[0]) / this.step;
    const before = this.values[after - 1];
    return after - 1 + (value - before) / (this.values[after] - before);
  }

  /** "Mon 3 Mar 2025, 13:00" */
  label(index) {
    if (this.kind === "integer") return formatFixed(this.value(index), 0);
    if (this.kind === "text") return this.texts[index] ?? `step ${index}`;
    const date = new Date(this.value(index));
    const day = `${date.getUTCDate()} ${MONTHS[date.getUTCMonth()]} ${date.getUTCFullYear()}`;
    if (this.step >= 27 * DAY) return `${MONTHS[date.getUTCMonth()]} ${date.getUTCFullYear()}`;
    return this.hasHours ? `${DAYS[date.getUTCDay()]} ${day}, ${clock(date)}` : `${DAYS[date.getUTCDay()]} ${day}`;
  }

  /** Ticks {at, label, below} between two indices, at most `most` of them. */
  ticks(from, to, most) {
    const first = Math.ceil(from), last = Math.floor(to);
    if (this.kind !== "date") return this.plainTicks(first, last, most);
    for (const unit of CALENDAR) {
      if (unit.length < this.step * 0.9) continue;
      const found = [];
      for (let i = first; i <= last; i++) {
        const date = new Date(this.value(i));
        const key = unit.key(date);
        const earlier = unit.key(new Date(this.value(i - 1)));
        if (key !== earlier && unit.fits(date)) found.push({ at: i, date });
        if (found.length > most) break;
      }
      if (found.length <= most && found.length > 0) return withContext(found, unit);
    }
    return this.plainTicks(first, last, 3);
  }

  plainTicks(first, last, most) {
    const step = Math.max(1, niceStep((last - first) / Math.max(1, most)));
    const offset = this.kind === "integer" ? this.value(0) : 0;
    const found = [];
    for (let i = first; i <= last; i++) {
      if ((((i + offset) % step) + step) % step === 0) found.push({ at: i, label: this.shortLabel(i), below: "" });
    }
    return found;
  }

  shortLabel(index) {
    if (this.kind === "integer") return formatFixed(this.value(index), 0);
    return this.kind === "text" ? fitted(this.texts[index] ?? "", 80) : this.label(index);
  }
}

function clock(date) {
  return `${String(date.getUTCHours()).padStart(2, "0")}:${String(date.getUTCMinutes()).padStart(2, "0")}`;
}

const dayNumber = (date) => Math.floor(date / DAY);
const monthNumber = (date) => date.getUTCFullYear() * 12 + date.getUTCMonth();
const dayLabel = (date) => `${date.getUTCDate()} ${MONTHS[date.getUTCMonth()]}`;
const yearLabel = (date) => `${date.getUTCFullYear()}`;
const always = () => true;

function hourUnit(hours) {
  return {
    length: hours * HOUR, key: (date) => Math.floor(date / (hours * HOUR)), fits: always,
    label: clock, below: (date) => `${DAYS[date.getUTCDay()]} ${dayLabel(date)}`,
  };
}

function monthUnit(months) {
  return {
    length: months * 30 * DAY, key: (date) => Math.floor(monthNumber(date) / months), fits: always,
    label: (date) => MONTHS[date.getUTCMonth()], below: yearLabel,
  };
}

function yearUnit(years) {
  return {
    length: years * 365 * DAY, key: (date) => Math.floor(date.getUTCFullYear() / years), fits: always,
    label: yearLabel, below: () => "",
  };
}

const CALENDAR = [
  { length: 60e3, key: (d) => Math.floor(d / 60e3), fits: always, label: clock, below: (d) => dayLabel(d) },
  { length: 900e3, key: (d) => Math.floor(d / 900e3), fits: always, label: clock, below: (d) => dayLabel(d) },
  hourUnit(1), hourUnit(3), hourUnit(6), hourUnit(12),
  { length: DAY, key: dayNumber, fits: always, label: dayLabel, below: yearLabel },
  { length: 2 * DAY, key: (d) => Math.floor(dayNumber(d) / 2), fits: always, label: dayLabel, below: yearLabel },
  { length: 7 * DAY, key: (d) => Math.floor((dayNumber(d) + 3) / 7), fits: always, label: dayLabel, below: yearLabel },
  { length: 14 * DAY, key: (d) => Math.floor((dayNumber(d) + 3) / 14), fits: always, label: dayLabel, below: yearLabel },
  monthUnit(1), monthUnit(2), monthUnit(3), monthUnit(6), yearUnit(1), yearUnit(2), yearUnit(5), yearUnit(10), yearUnit(20), yearUnit(50),
];

/** The second line of a tick says the day or the year, where it is not that of the tick before. */
function withContext(found, unit) {
  let earlier = null;
  return found.map(({ at, date }) => {
    const context = unit.below(date);
    const below = context === earlier ? "" : context;
    earlier = context;
    return { at, label: unit.label(date), below };
  });
}
