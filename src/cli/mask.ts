/**
 * Source lines are shown beside findings, also in the logs of continuous integration. Two kinds of
 * secret stand in configurations: values of `auth_http_header`, shared with the auth server, and
 * private keys given as `data:`. They are shown as asterisks, one a character, so that carets still
 * point at the right place.
 */

import type { SourceLines } from "../core/diagnostic.ts";

const NGINX =
  /(\bauth_http_header\s+(?!=)(?:"[^"]*"|'[^']*'|[^\s;]+)\s+)("[^"]*"?|'[^']*'?|[^\s;]+)/g;
/**
 * A pair within an array, `[["X-Key", "secret"]]`, or on a line of its own in a longer one. An array
 * that follows any other `=` is a list, such as `listen = ["143", "993 ssl"]`.
 */
const TOML =
  /((?<=^\s*|[[,]\s*|\bauth_http_header\s*=\s*)\[\s*(?:"[^"]*"|'[^']*')\s*,\s*)("(?:[^"\\]|\\.)*"?|'[^']*'?)/g;

/** A key in one line, its line ends escaped. */
const KEY = /(-----BEGIN [A-Z ]*PRIVATE KEY-----)(.*?)(?=-----END|$)/g;
const BEGIN_KEY = /-----BEGIN [A-Z ]*PRIVATE KEY-----/;
const END_KEY = /-----END [A-Z ]*PRIVATE KEY-----/;
/** Lines of the longest key anyone uses, RSA with 16384 bits, and to spare. */
const KEY_LINES = 400;

/** A line as it may be shown; undefined when there is none. */
export function maskedLine(source: SourceLines, file: string, line: number): string | undefined {
  const text = source(file, line);
  if (text === undefined || !isInKey(source, file, line)) return text && mask(text);
  return text.replace(/^.*?(?=-----END|$)/, stars);
}

function isInKey(source: SourceLines, file: string, line: number): boolean {
  for (let at = line - 1; at > 0 && line - at < KEY_LINES; at--) {
    const text = source(file, at) ?? "";
    if (END_KEY.test(text)) return false;
    if (BEGIN_KEY.test(text)) return true;
  }
  return false;
}

function mask(text: string): string {
  return maskKeys(text.replace(NGINX, hide).replace(TOML, hide));
}

/** For messages, which may quote a value. */
export function maskKeys(text: string): string {
  return text.replace(KEY, hide);
}

function hide(_: string, before: string, value: string): string {
  return before + stars(value);
}

/** Quotes stay. */
function stars(value: string): string {
  return value.replace(/[^"']/gu, "*");
}
