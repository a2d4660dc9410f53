/**
 * Everything unwise in an auth server's answer: what a session would swallow, ignore or fail at later.
 * Each has a stable id. Pure.
 */

import type { Inspected } from "../auth/response.ts";
import { type ByteString, printable } from "../core/bytes.ts";
import { nearest } from "../core/diagnostic.ts";
import { inCidr, ip, parseAddress, parseCidr } from "../net/address.ts";
import type { AuthHttpUrl } from "../config/settings.ts";
import type { Attempt } from "../session/machine.ts";
import { decodeBase64 } from "../wire/sasl.ts";
import type { Timings } from "./auth-exchange.ts";
import { isToken } from "./auth-question.ts";
import { endsSoon, type Secured } from "./auth-tls.ts";

export interface Warning {
  readonly rule: string;
  readonly message: string;
}

/** What the warnings are about. */
export interface Reply {
  readonly answer: Inspected;
  readonly attempt: Attempt;
  readonly timings: Timings;
  readonly tls: Secured | null;
}

type Check = (reply: Reply, headers: Headers) => string | null;

/** The answer's headers by their names, whatever the case. */
class Headers {
  readonly all: Inspected["headers"];

  constructor(all: Inspected["headers"]) {
    this.all = all;
  }

  /** The last of that name, as sessions take it; null when there is none. */
  last(name: string): ByteString | null {
    return this.every(name).at(-1) ?? null;
  }

  every(name: string): readonly ByteString[] {
    const same = name.toLowerCase();
    return this.all.filter(([key]) => key.toLowerCase() === same).map(([, value]) => value);
  }

  /** Says so when it lets the client in, or means to. */
  get allows(): boolean {
    const statuses = this.every("Auth-Status");
    return statuses.length > 0 && statuses.every((status) => status === "OK");
  }

  get denies(): boolean {
    return this.every("Auth-Status").some((status) => status !== "OK" && status !== "WAIT");
  }
}

const KNOWN = [
  "Auth-Status",
  "Auth-Server",
  "Auth-Port",
  "Auth-User",
  "Auth-Pass",
  "Auth-Wait",
  "Auth-Error-Code",
  "Auth-Error-SASL",
] as const;

/** Ports on which a server begins with TLS. */
const TLS_PORTS: ReadonlySet<string> = new Set(["993", "995", "465"]);

/** nginx reads the whole answer into a buffer of this size. */
const NGINX_ANSWER = 1024;

/** A client that hears nothing for so long gives up, and tries again on another connection. */
const LONG_WAIT = 30;

/** A client waits for the decision, and often gives up after a few seconds. */
const SLOW_MS = 1_000;

const CHECKS: Readonly<Record<string, Check>> = {
  "auth-status-line": ({ answer }) =>
    answer.statusLine === null ? "the answer has no HTTP status line" : null,
  "auth-http-status": ({ answer }, headers) => {
    const code = /^HTTP\/\S+ (\d{3})/.exec(answer.statusLine ?? "")?.[1] ?? "200";
    if (code.startsWith("2") || headers.last("Auth-Status") === null) return null;
    return `HTTP status ${code} beside Auth-Status: the HTTP status decides nothing`;
  },
  "auth-status-case": (_, headers) => {
    const odd = headers.every("Auth-Status").find((each) =>
      /^(?:ok|wait)$/i.test(each) && each !== each.toUpperCase()
    );
    return odd === undefined
      ? null
      : `"${odd}" is a refusal with that text: only "${odd.toUpperCase()}" in capitals counts`;
  },
  "auth-server-name": (_, headers) => {
    const server = headers.last("Auth-Server");
    if (!headers.allows || server === null || server === "") return null;
    if (parseAddress(server) !== null) return null;
    return `Auth-Server is "${printable(server)}": nginx takes nothing but an IP address, ` +
      "without port or brackets";
  },
  "auth-server-missing": (_, headers) =>
    headers.allows && !headers.last("Auth-Server") ? "Auth-Status: OK without Auth-Server" : null,
  "auth-port-missing": (_, headers) =>
    headers.allows && !headers.last("Auth-Port") ? "Auth-Status: OK without Auth-Port" : null,
  "auth-tls-port": (_, headers) => {
    const port = headers.last("Auth-Port") ?? "";
    if (!headers.allows || !TLS_PORTS.has(port)) return null;
    return `port ${port} begins with TLS, but nginx speaks to backends in clear`;
  },
  "auth-pass-missing": ({ attempt: { method } }, headers) => {
    const needs = method === "apop" || method === "cram-md5" || method === "external";
    if (!needs || !headers.allows || headers.last("Auth-Pass") !== null) return null;
    return `no Auth-Pass: with ${method} nobody but the auth server knows a password for the backend`;
  },
  "auth-pass-token": ({ attempt: { method, protocol } }, headers) => {
    if (!isToken(method) || !headers.allows || headers.last("Auth-Pass") !== null) return null;
    return protocol === "smtp"
      ? "no Auth-Pass: with proxy_smtp_auth on the backend is sent the token as a password"
      : "no Auth-Pass: the backend is sent the token as a password, and must take it for one";
  },
  "auth-pass-needless": (_, headers) =>
    headers.denies && headers.last("Auth-Pass") !== null
      ? "a refusal carries Auth-Pass: a password that nobody needs"
      : null,
  "auth-wait-missing": (_, headers) => {
    if (!headers.denies || Number(headers.last("Auth-Wait")) > 0) return null;
    return "no Auth-Wait: the client is thrown out after its first mistake";
  },
  "auth-wait-invalid": (_, headers) => {
    const wait = headers.last("Auth-Wait");
    if (wait === null || /^\d+$/.test(wait)) return null;
    return `Auth-Wait is "${printable(wait)}", not a number of seconds: it is ignored`;
  },
  "auth-wait-long": (_, headers) => {
    const wait = Number(headers.last("Auth-Wait"));
    if (!headers.denies || !(wait > LONG_WAIT)) return null;
    return `Auth-Wait of ${wait} s: clients give up before, and come back on a new connection`;
  },
  "auth-wait-ignored": (_, headers) =>
    headers.allows && Number(headers.last("Auth-Wait")) > 0
      ? "Auth-Wait beside Auth-Status: OK has no effect"
      : null,
  "auth-retry-unpaced": (_, headers) => {
    if (headers.last("Auth-Status") !== "WAIT" || Number(headers.last("Auth-Wait")) > 0) {
      return null;
    }
    return "Auth-Status: WAIT without Auth-Wait: nginx asks again at once, and for ever";
  },
  "auth-error-code-unused": ({ attempt: { protocol } }, headers) =>
    protocol !== "smtp" && headers.last("Auth-Error-Code") !== null
      ? "Auth-Error-Code means something with SMTP only: nginx ignores it here"
      : null,
  "auth-error-code-form": ({ attempt: { protocol } }, headers) => {
    const code = headers.last("Auth-Error-Code");
    if (protocol !== "smtp" || code === null || /^[45]\d\d( |$)/.test(code)) return null;
    return `Auth-Error-Code "${printable(code)}" is no refusal (4yz or 5yz): 535 5.7.0 is used`;
  },
  "auth-error-sasl-unused": ({ attempt: { method } }, headers) =>
    !isToken(method) && headers.last("Auth-Error-SASL") !== null
      ? `Auth-Error-SASL means something with xoauth2 and oauthbearer only, not with ${method}`
      : null,
  "auth-error-sasl-form": ({ attempt: { method } }, headers) => {
    const challenge = headers.last("Auth-Error-SASL");
    if (!isToken(method) || challenge === null) return null;
    return decodeBase64(challenge) === null
      ? "Auth-Error-SASL is not base64, although clients get it as it stands"
      : null;
  },
  "auth-certificate-ends": ({ tls }) => {
    const when = tls && endsSoon(tls);
    return when ? `the auth server's certificate ends ${when}` : null;
  },
  "auth-header-case": (_, headers) => {
    const odd = headers.all.map(([name]) => name).find((name) =>
      canonical(name) !== undefined &&
      canonical(name) !== name
    );
    return odd === undefined ? null : `"${odd}" is usually written "${canonical(odd)}"`;
  },
  "auth-header-unknown": (_, headers) => {
    const name = headers.all.map(([key]) => key).find((key) =>
      /^auth[-_]/i.test(key) && canonical(key) === undefined
    );
    if (name === undefined) return null;
    const near = nearest(name, KNOWN);
    return `"${printable(name)}" means nothing${near ? `; did you mean "${near}"?` : ""}`;
  },
  "auth-header-twice": (_, headers) => {
    const twice = KNOWN.find((name) => headers.every(name).length > 1);
    return twice === undefined ? null : `${twice} is sent twice: the last counts`;
  },
  "auth-set-cookie": (_, headers) =>
    headers.last("Set-Cookie") === null
      ? null
      : "Set-Cookie: no cookie ever comes back, and a session is kept for each login",
  "auth-body": ({ answer: { bodySize } }) =>
    bodySize === 0 ? null : `a body of ${bodySize} bytes that nobody reads`,
  "auth-answer-size": ({ answer, attempt: _ }) => {
    const size = headSize(answer);
    if (size <= NGINX_ANSWER) return null;
    return `headers of ${size} bytes: nginx gives up beyond ${NGINX_ANSWER}`;
  },
  "auth-slow": ({ timings: { totalMs } }) =>
    totalMs < SLOW_MS ? null : `${(totalMs / 1000).toFixed(1)} s to decide: clients wait for this`,
};

/** The ids, for documentation and tests. */
export const WARNING_RULES: readonly string[] = [
  ...Object.keys(CHECKS),
  "auth-http-cleartext",
  "auth-https-unserved",
];

export function warningsOf(reply: Reply, url: AuthHttpUrl): readonly Warning[] {
  const headers = new Headers(reply.answer.headers);
  const found = Object.entries(CHECKS).flatMap(([rule, check]) => {
    const message = check(reply, headers);
    return message === null ? [] : [{ rule, message }];
  });
  return [...found, ...aboutUrl(url)];
}

function aboutUrl(url: AuthHttpUrl): Warning[] {
  if (isRemoteInClear(url)) {
    const message = `passwords travel to ${url.host} in clear`;
    return [{ rule: "auth-http-cleartext", message }];
  }
  if (!url.tls) return [];
  const message =
    "auth_http speaks http alone, here as in nginx: to serve logins this server needs " +
    "an address without TLS, such as a unix socket";
  return [{ rule: "auth-https-unserved", message }];
}

function canonical(name: string): string | undefined {
  const same = name.toLowerCase();
  return KNOWN.find((known) => known.toLowerCase() === same);
}

function headSize({ statusLine, headers }: Inspected): number {
  const lines = headers.reduce((sum, [name, value]) => sum + name.length + value.length + 4, 2);
  return lines + (statusLine === null ? 0 : statusLine.length + 2);
}

const LOOPBACK = ["127.0.0.0/8", "::1/128"].map((text) => parseCidr(text)!);

function isRemoteInClear({ tls, at }: AuthHttpUrl): boolean {
  if (tls || at.is === "unix") return false;
  if (at.is === "name") return at.host !== "localhost";
  return !LOOPBACK.some((range) => inCidr(ip(at.address, 0), range));
}
