/**
 * Dates of mail: RFC 5322 section 3.3 (`Date`, `Received`), RFC 3501 section 9 (`date-time`, `date`).
 * Everything is written in UTC. A *day* is the milliseconds of its midnight in UTC.
 */

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const DAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
export const DAY_MS = 86_400_000;

/** `Fri, 21 Nov 2025 08:30:00 +0000`. */
export function mailDate(ms: number): string {
  const at = new Date(ms);
  return `${DAYS[at.getUTCDay()]}, ${at.getUTCDate()} ${MONTHS[at.getUTCMonth()]} ` +
    `${at.getUTCFullYear()} ${time(at)} +0000`;
}

/** `21-Nov-2025 08:30:00 +0000`, as INTERNALDATE has it between quotes. */
export function internalDate(ms: number): string {
  const at = new Date(ms);
  const day = String(at.getUTCDate()).padStart(2, " ");
  return `${day}-${MONTHS[at.getUTCMonth()]}-${at.getUTCFullYear()} ${time(at)} +0000`;
}

function time(at: Date): string {
  return at.toISOString().slice(11, 19);
}

const DATE_TIME = /^([ \d]?\d)-([A-Za-z]{3})-(\d{4}) (\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)$/;

/** APPEND's `date-time`; null when it is none. */
export function parseInternalDate(text: string): number | null {
  const found = DATE_TIME.exec(text);
  if (!found) return null;
  const day = dayOf(found[1], found[2], found[3]);
  const [hour, minute, second, zoneHour, zoneMinute] = [4, 5, 6, 8, 9].map((i) => Number(found[i]));
  if (day === null || hour > 23 || minute > 59 || second > 60 || zoneMinute > 59) return null;
  const zone = (zoneHour * 60 + zoneMinute) * (found[7] === "-" ? -1 : 1);
  return day + ((hour * 60 + minute - zone) * 60 + second) * 1000;
}

/** SEARCH's `date`, such as `1-Feb-2026`; null when it is none. */
export function parseDay(text: string): number | null {
  const found = /^(\d{1,2})-([A-Za-z]{3})-(\d{4})$/.exec(text);
  return found && dayOf(found[1], found[2], found[3]);
}

/** The day in a `Date` header field as it stands there, whatever its zone (RFC 3501, SENTON). */
export function headerDay(value: string): number | null {
  const found = /(?:^|[\s,])(\d{1,2})\s+([A-Za-z]{3})\s+(\d{4})(?:\s|$)/.exec(value);
  return found && dayOf(found[1], found[2], found[3]);
}

/** Midnight of the day that holds `ms`. */
export function midnight(ms: number): number {
  return Math.floor(ms / DAY_MS) * DAY_MS;
}

function dayOf(day: string, month: string, year: string): number | null {
  const index = MONTHS.findIndex((name) => name.toLowerCase() === month.toLowerCase());
  const ms = Date.UTC(Number(year), index, Number(day));
  // 31 Feb would roll over into March.
  return index < 0 || new Date(ms).getUTCDate() !== Number(day) ? null : ms;
}
