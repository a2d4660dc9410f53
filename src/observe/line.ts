/**
 * nginx's line form of a log event:
 *
 *     YYYY/MM/DD HH:MM:SS [LEVEL] PID#TID: *CONN MESSAGE ERRNO while DOING, client: ..., server: ...
 *
 * in local time, with `, login: "..."` and `, upstream: ...` once they are known. Own rules:
 *
 * - A line is a byte string without its line end, and never holds a control character: nginx writes
 *   peers' line ends as they are, and so lets them forge lines.
 * - A line that is too long loses the end of its message, never the suffix by which it is found.
 * - The logged-in line ends with both connections' addresses, `, [client-local] <=> [local-upstream]`,
 *   as nginx's once did; whatever reads nginx's line finds all of it in front.
 * - The login stands in quotes, so quotes in it are escaped as well: a login cannot pose as a field.
 */

import type { ByteString } from "../core/bytes.ts";
import { printable, toByteString } from "../core/bytes.ts";
import { LOG_LINE, LOG_QUOTE } from "../core/limits.ts";
import type { LogContext, LogEvent } from "../core/log.ts";

/** nginx's thread id in builds without threads; every runtime has one thread here. */
const THREAD = 0;
const CUT = "...";

/** What stands before the message; `stamp` is a `timestamp`. */
export function formatLine(
  event: LogEvent,
  context: LogContext | undefined,
  stamp: string,
  pid: number,
): ByteString {
  const head = `${stamp} [${event.level}] ${pid}#${THREAD}: `;
  const connection = context && context.connection > 0 ? `*${context.connection} ` : "";
  const before = head + connection;
  const after = bytes((event.errno ? ` ${event.errno}` : "") + suffix(event, context));
  // The limit counts the line end.
  const room = LOG_LINE - 1 - before.length - after.length;
  return before + cut(bytes(event.message), room) + after;
}

/** nginx's order of fields. A context without a client has no suffix: the "connected" line. */
function suffix(event: LogEvent, context: LogContext | undefined): string {
  const doing = event.doing ? ` while ${event.doing}` : "";
  if (!context || context.client === "") return doing;
  const starttls = context.starttls ? " using starttls" : "";
  const server = context.server === "" ? "" : `, server: ${context.server}`;
  const login = context.login === "" ? "" : `, login: "${quoted(context.login)}"`;
  const upstream = context.upstream === "" ? "" : `, upstream: ${context.upstream}`;
  const link = context.link === undefined ? "" : `, ${context.link}`;
  return `${doing}, client: ${context.client}${starttls}${server}${login}${upstream}${link}`;
}

function quoted(login: ByteString): string {
  return printable(login, LOG_QUOTE).replaceAll('"', '\\"');
}

/** Characters that are not bytes (from configuration) as UTF-8; control characters made visible. */
function bytes(text: string): ByteString {
  // deno-lint-ignore no-control-regex
  if (!/[\x00-\x1f\x7f\u0100-\uffff]/.test(text)) return text;
  const safe = text.replace(/[\u0100-\uffff]+/g, toByteString);
  // deno-lint-ignore no-control-regex
  return safe.replace(/[\x00-\x1f\x7f]/g, (char) => printable(char));
}

/** At most `room` bytes, `...` included; a UTF-8 character is never split. */
function cut(message: ByteString, room: number): ByteString {
  if (message.length <= room) return message;
  const most = Math.max(0, room - CUT.length);
  let end = most;
  // Three continuation bytes at most: more of them are no UTF-8, and cut anywhere.
  while (end > most - 3 && end > 0 && isContinuation(message.charCodeAt(end))) end--;
  return message.slice(0, end) + CUT;
}

function isContinuation(byte: number): boolean {
  return (byte & 0xc0) === 0x80;
}

/** `2026/08/21 09:05:00`, local time. */
export function timestamp(ms: number): string {
  const at = new Date(ms);
  const date = `${at.getFullYear()}/${two(at.getMonth() + 1)}/${two(at.getDate())}`;
  return `${date} ${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
}

export function two(number: number): string {
  return number < 10 ? `0${number}` : `${number}`;
}
