/**
 * `test-auth --curl`: a curl command that asks the same. Secrets are shell variables, whose names are
 * said in comments before it; nothing secret is ever printed.
 */

import { prepareRequest, showRequest } from "../auth/request.ts";
import type { HttpVersion } from "../auth/request.ts";
import type { ServerSettings } from "../config/settings.ts";
import { toDisplay } from "../core/bytes.ts";
import { isToken } from "../probe/auth-question.ts";
import type { Attempt } from "../session/machine.ts";

/** Lines, each ended; the last is the command, broken with backslashes. */
export function curlLine(
  server: ServerSettings,
  attempt: Attempt,
  version: HttpVersion,
  ca?: string,
): string {
  const [, ...headers] = showRequest(prepareRequest(server), attempt, version);
  const secret = new Map<string, string>();
  const words = headers.map((line) => headerWord(line, attempt, secret));
  const { url, socket } = urlOf(server);
  const query = url.indexOf("?");
  if (query >= 0) secret.set("AUTH_QUERY", "the query of auth_http");
  const shownUrl = query < 0 ? quoted(url) : `${quoted(url.slice(0, query + 1))}"$AUTH_QUERY"`;
  const notes = [...secret].map(([name, what]) => `# ${name}: ${what}\n`);
  const command = [
    `curl --silent --show-error --include --http${version}`,
    ...(ca === undefined ? [] : [`--cacert ${quoted(ca)}`]),
    ...(socket === null ? [] : [`--unix-socket ${quoted(socket)}`]),
    "-H 'User-Agent:' -H 'Accept:'",
    ...words,
    shownUrl,
  ];
  return `${notes.join("")}${command.join(" \\\n  ")}\n`;
}

function headerWord(line: string, attempt: Attempt, secret: Map<string, string>): string {
  const colon = line.indexOf(":");
  const name = line.slice(0, colon);
  const value = line.slice(colon + 1).trimStart();
  if (value === "****") {
    const variable = name.toUpperCase().replace(/[^A-Z0-9]/g, "_");
    secret.set(variable, whatOf(name, attempt));
    return `-H ${quoted(`${name}: `)}"$${variable}"`;
  }
  // With a colon and no value curl leaves the header out; a semicolon makes it send an empty one.
  // What is shown doubles backslashes; between single quotes a shell takes them as they are.
  return `-H ${quoted(value === "" ? `${name};` : toDisplay(line).replaceAll("\\\\", "\\"))}`;
}

function whatOf(name: string, { method }: Attempt): string {
  if (name !== "Auth-Pass") return `the value of ${name}`;
  if (isToken(method)) return "the bearer token";
  return method === "plain"
    ? "the password, a space written %20 and % written %25"
    : `the ${method} digest of the password and Auth-Salt`;
}

function urlOf({ auth_http }: ServerSettings): { url: string; socket: string | null } {
  const { at, uri, tls } = auth_http;
  const scheme = tls ? "https" : "http";
  if (at.is === "unix") return { url: `http://localhost${uri}`, socket: at.path };
  const host = at.is === "name"
    ? at.host
    : at.address.includes(":")
    ? `[${at.address}]`
    : at.address;
  return { url: `${scheme}://${host}:${at.port}${uri}`, socket: null };
}

/** For a POSIX shell. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
