/**
 * nginx's numbers, sizes and times: text to number and back.
 *
 * A size is digits and perhaps `k` or `m`. A time is a sequence of numbers with units in strictly
 * descending order, each at most once, spaces between them allowed; a last number without a unit counts
 * seconds. Directives of the seconds kind know `y M w d h m s`, those of the millisecond kind
 * `w d h m s ms`.
 */

/** Digits only; null when it is anything else, or too large to be exact. */
export function parseNumber(text: string): number | null {
  if (!/^\d+$/.test(text)) return null;
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : null;
}

/** Bytes, or null. */
export function parseSize(text: string): number | null {
  const match = /^(\d+)([kKmM]?)$/.exec(text);
  if (!match) return null;
  const scale = { "": 1, k: 1024, m: 1024 * 1024 }[match[2].toLowerCase()] ?? 1;
  const value = Number(match[1]) * scale;
  return Number.isSafeInteger(value) ? value : null;
}

export function showSize(bytes: number): string {
  if (bytes > 0 && bytes % (1024 * 1024) === 0) return `${bytes / (1024 * 1024)}m`;
  if (bytes > 0 && bytes % 1024 === 0) return `${bytes / 1024}k`;
  return String(bytes);
}

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const SECONDS_FORM =
  /^(?:(\d+)y)? *(?:(\d+)M)? *(?:(\d+)w)? *(?:(\d+)d)? *(?:(\d+)h)? *(?:(\d+)m)? *(?:(\d+)s?)?$/;
const SECONDS_SCALES = [365 * DAY, 30 * DAY, 7 * DAY, DAY, HOUR, MINUTE, SECOND];

/** An `m` that begins `ms` counts no minutes; a number without a unit ends the text. */
const MILLISECONDS_FORM =
  /^(?:(\d+)w)? *(?:(\d+)d)? *(?:(\d+)h)? *(?:(\d+)m(?!s))? *(?:(\d+)(?:s|$))? *(?:(\d+)ms)?$/;
const MILLISECONDS_SCALES = [7 * DAY, DAY, HOUR, MINUTE, SECOND, 1];

/** The same as patterns for a schema: the forms alone match the empty text, too. */
export const TIME_PATTERN = `^(?=.*\\d)${MILLISECONDS_FORM.source.slice(1)}`;
export const SECONDS_PATTERN = `^(?=.*\\d)${SECONDS_FORM.source.slice(1)}`;
export const NUMBER_PATTERN = "^\\d+$";
/** From 1 on, which is what a buffer needs. */
export const SIZE_PATTERN = "^\\d*[1-9]\\d*[kKmM]?$";

/** Milliseconds of a time of the millisecond kind, or null. */
export function parseTime(text: string): number | null {
  return sum(MILLISECONDS_FORM.exec(text), MILLISECONDS_SCALES);
}

/** Milliseconds of a time of the seconds kind, or null. */
export function parseSeconds(text: string): number | null {
  return sum(SECONDS_FORM.exec(text), SECONDS_SCALES);
}

function sum(match: RegExpExecArray | null, scales: readonly number[]): number | null {
  if (!match || match[0].trim() === "") return null;
  const total = scales.reduce((all, scale, i) => all + Number(match[i + 1] ?? 0) * scale, 0);
  return Number.isSafeInteger(total) ? total : null;
}

/** A time in the largest unit that is exact; both kinds read it back. */
export function showTime(ms: number): string {
  if (ms % SECOND !== 0) return `${ms}ms`;
  if (ms > 0 && ms % DAY === 0) return `${ms / DAY}d`;
  if (ms > 0 && ms % HOUR === 0) return `${ms / HOUR}h`;
  if (ms > 0 && ms % MINUTE === 0) return `${ms / MINUTE}m`;
  return `${ms / SECOND}s`;
}

/** A time in words, for messages: `16 hours 40 minutes`. The two largest units that count. */
export function describeTime(ms: number): string {
  const units: readonly (readonly [number, string])[] = [
    [DAY, "day"],
    [HOUR, "hour"],
    [MINUTE, "minute"],
    [SECOND, "second"],
  ];
  const parts: string[] = [];
  let rest = ms;
  for (const [size, name] of units) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count > 0) parts.push(`${count} ${name}${count === 1 ? "" : "s"}`);
  }
  return parts.slice(0, 2).join(" ");
}
