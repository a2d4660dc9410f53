/**
 * `test-auth` for people: the request as it was sent, the answer, the decision in words, then warnings and
 * expectations. Headers are put side by side as the width allows; `--raw` gives each line its own. Pure.
 */

import type { Colors } from "picocolors/types";
import type { ServerSettings } from "../config/settings.ts";
import { type ByteString, decode, printable, toDisplay } from "../core/bytes.ts";
import { type Exchange, wasSent } from "../probe/auth-exchange.ts";
import { type Decision, headline, type Judged, sentence, shown } from "../probe/auth-decision.ts";
import type { Met } from "../probe/auth-expect.ts";
import type { Load } from "../probe/auth-load.ts";
import type { Asked } from "../probe/auth-question.ts";
import type { Secured } from "../probe/auth-tls.ts";
import type { Warning } from "../probe/auth-warnings.ts";
import type { BackendLogin } from "../probe/backend-login.ts";
import { formatEndpoint } from "../net/address.ts";
import type { Attempt } from "../session/machine.ts";
import { visible, widthOf } from "./cells.ts";
import { wrap } from "./help.ts";
import type { Terminal } from "./terminal.ts";

/** Everything that is shown of one question. */
export interface Shown {
  readonly server: ServerSettings;
  readonly asked: Asked;
  readonly attempt: Attempt;
  /** Masked. */
  readonly request: readonly string[];
  readonly judged: Judged;
  readonly warnings: readonly Warning[];
  readonly expectations: readonly Met[];
  /** Null: it was not asked for, or did not come to it. */
  readonly login: BackendLogin | null;
}

type Style = Pick<Terminal, "outColors" | "columns">;

/** Bytes of a body that `--raw` shows. */
const BODY_SHOWN = 1024;
const GAP = "   ";
const MASK = "****";
const NO_STATUS = "(no status line)";

export function showExchange(all: Shown, raw: boolean, style: Style): string {
  const { server, judged, request, attempt, warnings, expectations, login } = all;
  const { outColors: colors } = style;
  const [first, ...headers] = request.map(toDisplay);
  const { decision, exchange } = judged;
  const lines = [
    spread(`${colors.cyan("->")} ${first}`, 3 + first.length, connected(exchange), style),
    ...tlsLines(exchange.tls, style),
    ...side(headers, raw, style),
    ...answerLines(judged, raw, style),
    "",
    ...labelled(
      headline(decision),
      sentence(decision, attempt),
      painter(decision.is, colors),
      style,
    ),
    ...warnings.flatMap((each) => warningLines(each, style)),
    ...(login === null ? [] : loginLines(login, attempt, server, style)),
    ...metLines(expectations, style),
  ];
  return lines.map((line) => `${line}\n`).join("");
}

/** Something at the left, and at the right end of the line what is known of it; below when too wide. */
function spread(left: string, width: number, right: string, { columns, outColors }: Style): string {
  const room = columns - width - right.length;
  return room >= 2
    ? `${left}${" ".repeat(room)}${outColors.dim(right)}`
    : `${left}\n${" ".repeat(Math.max(3, columns - right.length))}${outColors.dim(right)}`;
}

function connected(exchange: Exchange): string {
  const { peer, timings: { connectMs, tlsMs } } = exchange;
  return [
    peer,
    ...(connectMs === null ? [] : [`connect ${ms(connectMs)}`]),
    ...(tlsMs === null ? [] : [`TLS ${ms(tlsMs)}`]),
    ...(wasSent(exchange) ? [] : ["not sent"]),
  ].join("  ");
}

function tlsLines(tls: Secured | null, { outColors: colors, columns }: Style): string[] {
  if (tls === null) return [];
  const { protocol, cipher, certificate } = tls;
  const whose = certificate === null ? [] : [
    `certificate of ${certificate.names.join(", ")}`,
    `until ${certificate.notAfter.slice(0, 10)}`,
  ];
  const text = visible(printable([`${protocol} ${cipher}`, ...whose].join(", "), 400));
  return wrap(text, columns - GAP.length).map((line) => GAP + colors.dim(line));
}

export function ms(value: number): string {
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`;
}

/** Header lines, indented; several on one line as long as they fit. */
function side(headers: readonly string[], raw: boolean, { columns }: Style): string[] {
  if (raw) return headers.map((line) => `${GAP}${visible(line)}`.trimEnd());
  const lines: string[] = [];
  let line = "";
  for (const header of headers.map((each) => visible(each).trimEnd())) {
    if (line !== "" && 3 + width(line) + 3 + width(header) > columns) {
      lines.push(line);
      line = header;
    } else line = line === "" ? header : line + GAP + header;
  }
  return [...lines, ...(line === "" ? [] : [line])].map((text) => GAP + text);
}

function width(text: string): number {
  return Array.from(text, widthOf).reduce((sum, each) => sum + each, 0);
}

function answerLines({ answer, exchange }: Judged, raw: boolean, style: Style): string[] {
  if (answer === null) return [];
  const { outColors: colors } = style;
  const { firstByteMs, totalMs } = exchange.timings;
  const times = `first byte ${ms(firstByteMs ?? totalMs)}  total ${ms(totalMs)}`;
  const status = visible(shown(answer.statusLine ?? NO_STATUS));
  const headers = answer.headers.map(([name, value]) => `${name}: ${headerValue(name, value)}`);
  const body = answer.complete
    ? raw && answer.bodySize > 0 ? bodyLines(exchange.bytes) : []
    : unreadLines(exchange.bytes, answer.headers.length + (answer.statusLine === null ? 0 : 1));
  return [
    spread(`${colors.cyan("<-")} ${status}`, 3 + width(status), times, style),
    ...side(headers, raw, style),
    ...body.map((line) => (GAP + line).trimEnd()),
  ];
}

/** `Auth-Pass` is a password; cookies are somebody's session. */
export function headerValue(name: string, value: string): string {
  return /^(?:auth-pass|set-cookie)$/i.test(name) ? MASK : shown(value);
}

/** What stands behind the blank line, as far as it is short. */
function bodyLines(answer: Uint8Array): string[] {
  const whole = decode(answer);
  const body = whole.slice(/\r?\n\r?\n/.exec(whole)!.index).replace(/^\r?\n\r?\n/, "");
  const more = body.length > BODY_SHOWN ? [`... ${body.length} bytes in all`] : [];
  const lines = body.slice(0, BODY_SHOWN).replace(/\r?\n$/, "").split(/\r?\n/);
  return ["", ...lines.map((line) => visible(printable(toDisplay(line), BODY_SHOWN))), ...more];
}

/** Of a head that cannot be read the lines from the fault on, as they came. */
export function unreadLines(answer: Uint8Array, read: number): string[] {
  const text = decode(answer).split("\n").slice(read).join("\n").slice(0, BODY_SHOWN);
  return text.replace(/\r?\n$/, "").split(/\r?\n/)
    .map((line) => visible(printable(toDisplay(unreadMasked(line)), 200)));
}

/** A password behind a name that is spelled wrongly is one all the same; so is the rest of a folded one. */
function unreadMasked(line: ByteString): ByteString {
  return line.replace(/^([^:]*(?:pass|cookie)[^:]*:).*/is, `$1 ${MASK}`)
    .replace(/^[ \t].*/s, ` ${MASK}`);
}

/** A word in capitals, and beside it what it means. */
function labelled(
  label: string,
  text: string,
  paint: (text: string) => string,
  { outColors: colors, columns }: Style,
): string[] {
  const indent = label.length + 2;
  const [first, ...rest] = wrap(visible(text), columns - indent);
  return [
    `${colors.bold(paint(label))}  ${first}`,
    ...rest.map((line) => " ".repeat(indent) + line),
  ];
}

export function unreachableLines(why: string, style: Style): string[] {
  return labelled("UNREACHABLE", why, style.outColors.red, style);
}

function painter(is: Decision["is"], colors: Colors): (text: string) => string {
  if (is === "allowed") return colors.green;
  return is === "broken" || is === "unreachable" ? colors.red : colors.yellow;
}

export function warningLines(
  { rule, message }: Warning,
  { outColors: colors, columns }: Style,
): string[] {
  const label = `warning[${rule}]`;
  const [first, ...rest] = wrap(visible(message), columns - label.length - 1);
  // What does not fit beside the label goes below it, where there is more room.
  const below = rest.length === 0 ? [] : wrap(rest.join(" "), columns - 3);
  return [`${colors.yellow(label)} ${first}`, ...below.map((line) => GAP + line)];
}

function loginLines(
  { is, target, transcript, why, totalMs }: BackendLogin,
  { protocol, method }: Attempt,
  server: ServerSettings,
  style: Style,
): string[] {
  const { outColors: colors } = style;
  const title = `Backend ${formatEndpoint(target)}`;
  const dialogue = transcript.flatMap(({ from, text }) => {
    const [first, ...rest] = wrap(visible(text), style.columns - GAP.length);
    const head = `${colors.cyan(from === "proxy" ? "->" : "<-")} ${first}`;
    return [head, ...rest.map((line) => GAP + line)];
  });
  const good = protocol === "smtp"
    ? labelled("READY", smtpReady(method, server), colors.green, style)
    : labelled("LOGGED IN", "the mailbox is open", colors.green, style);
  const bad = is === "refused" ? "NOT LOGGED IN" : "UNREACHABLE";
  return [
    "",
    spread(colors.bold(title), title.length, ms(totalMs), style),
    ...dialogue,
    "",
    ...(is === "ready" ? good : labelled(bad, why ?? "", colors.red, style)),
  ];
}

function smtpReady(method: Attempt["method"], { proxy_smtp_auth }: ServerSettings): string {
  const goesOn = "the session goes on with the client";
  if (method === "none") return goesOn;
  return proxy_smtp_auth
    ? `logged in; ${goesOn}`
    : `no login there, proxy_smtp_auth is off; ${goesOn}`;
}

function metLines(all: readonly Met[], { outColors: colors }: Style): string[] {
  if (all.length === 0) return [];
  const longest = Math.max(...all.map(({ expect }) => expect.length));
  return [
    "",
    ...all.map(({ expect, met, found }) => {
      const head = met ? colors.green("met   ") : colors.red("MISSED");
      return `${head}  ${visible(expect).padEnd(longest)}  ${colors.dim(`(${visible(found)})`)}`;
    }),
  ];
}

/** A query may hold an API key. */
export function urlOf({ auth_http }: ServerSettings): string {
  return auth_http.text.replace(/\?.*$/s, "?****");
}

export function showLoad(
  load: Load,
  met: readonly Met[],
  server: ServerSettings,
  style: Style,
): string {
  const { outColors: colors } = style;
  const { requests, concurrency, seconds, decisions, latency } = load;
  const rate = seconds > 0 ? ` ${Math.round(requests / seconds)} a second` : "";
  const counted = Object.entries(decisions).filter(([, count]) => count > 0)
    .map(([is, count]) => painter(is as Decision["is"], colors)(`${count} ${is}`));
  const rows = latency === null
    ? []
    : Object.entries(latency).map(([name, value]) =>
      `   ${name.padEnd(6)} ${value.toFixed(1).padStart(9)} ms`
    );
  const lines = [
    `${requests} requests to ${visible(urlOf(server))}, ${concurrency} at once: ` +
    `${seconds.toFixed(1)} s,${rate}`,
    counted.join(", "),
    ...rows,
    ...metLines(met, style),
  ];
  return lines.map((line) => `${line}\n`).join("");
}
