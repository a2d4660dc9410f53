/**
 * The URL of `auth_http`: perhaps `http://`, then `host[:port]`, `[ipv6][:port]` or `unix:path[:uri]`, then
 * path and query.
 *
 * Differences from nginx: a query without a path is asked for as `/?query` (nginx sends `GET ?query`); a
 * name is looked up here only so that a mistake shows at once, and again whenever it is used.
 */

import { type HostPort, parseHostPort, parseUnixPath } from "./host-port.ts";
import type { Kind, Reading } from "./kind.ts";
import type { Word } from "./tree.ts";
import { scalar } from "./values.ts";

/** Where and what to ask, as `auth_http` says it. */
export interface AuthHttpUrl {
  /** `https`: reserved, refused for now. */
  readonly tls: boolean;
  readonly at:
    | { readonly is: "name"; readonly host: string; readonly port: number }
    | { readonly is: "ip"; readonly address: string; readonly port: number }
    | { readonly is: "unix"; readonly path: string };
  /** The value of `Host`, as nginx sends it: no port, `[v6]` in brackets, `localhost` for unix. */
  readonly host: string;
  /** The request target; begins with `/`. */
  readonly uri: string;
  /** As configured. */
  readonly text: string;
}

const HTTP_PORT = 80;

export const AUTH_HTTP_URL: Kind<AuthHttpUrl> = scalar({
  name: "URL",
  expects: 'a URL such as "http://127.0.0.1:9000/auth" or "unix:/run/auth.sock:/auth"',
  read: (word, reading) => {
    if (/^https:\/\//i.test(word.text)) return refuseHttps(word, reading);
    const text = word.text.startsWith("http://") ? word.text.slice(7) : word.text;
    return text.startsWith("unix:")
      ? readUnix(text.slice(5), word, reading)
      : readInternet(text, word, reading);
  },
  show: (url) => url.text,
});

function refuseHttps(word: Word, reading: Reading): undefined {
  return reading.fault(
    "unsupported-value",
    `https is not supported in auth_http "${word.text}"`,
    word,
    "use http:// over a trusted path, such as the loopback interface or a unix socket",
  );
}

function readUnix(text: string, word: Word, reading: Reading): AuthHttpUrl | undefined {
  const colon = text.indexOf(":");
  const parsed = parseUnixPath(colon < 0 ? text : text.slice(0, colon));
  if ("problem" in parsed) return fault(parsed.problem, word, reading);
  return {
    tls: false,
    at: { is: "unix", path: parsed.path },
    host: "localhost",
    uri: target(colon < 0 ? "" : text.slice(colon + 1)),
    text: word.text,
  };
}

function readInternet(text: string, word: Word, reading: Reading): AuthHttpUrl | undefined {
  const end = text.search(/[/?]/);
  const authority = end < 0 ? text : text.slice(0, end);
  const parsed = parseHostPort(authority);
  if ("problem" in parsed) return fault(parsed.problem, word, reading);
  if (parsed.is === "name" && reading.lookup(parsed.host) === null) {
    return fault("host not found", word, reading);
  }
  return {
    tls: false,
    at: place(parsed),
    host: authority.startsWith("[")
      ? authority.slice(0, authority.indexOf("]") + 1)
      : authority.split(":")[0],
    uri: target(end < 0 ? "" : text.slice(end)),
    text: word.text,
  };
}

function fault(problem: string, word: Word, reading: Reading): undefined {
  // nginx, too, has cut the scheme off by then.
  const text = word.text.replace(/^http:\/\//, "");
  return reading.fault("invalid-value", `${problem} in auth_http "${text}"`, word);
}

function place({ is, host, ports }: HostPort): AuthHttpUrl["at"] {
  const port = ports?.[0] ?? HTTP_PORT;
  return is === "ip" ? { is: "ip", address: host, port } : { is: "name", host, port };
}

function target(uri: string): string {
  return uri.startsWith("/") ? uri : `/${uri}`;
}
