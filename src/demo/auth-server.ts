/**
 * The demo's authentication server: nginx's `auth_http` protocol over HTTP/1.0 and 1.1.
 * A request is a GET whose headers are the question; the headers of the answer are the verdict.
 * RFC 9112 sections 2.2, 6 and 9.3 (messages, bodies, persistence).
 *
 * `Auth-User` and `Auth-Pass` come percent-encoded: servers that forget to decode them fail for
 * passwords with a space or a `%`, so this one shows how it is done.
 */

import { type ByteString, trim } from "../core/bytes.ts";
import { AUTH_BODY, DEMO_AUTH_REQUEST, DEMO_LOGIN_MS } from "../core/limits.ts";
import { Secret } from "../core/secret.ts";
import type { Endpoint } from "../net/address.ts";
import { accepts, DENIED } from "./account.ts";
import { type Input, LONG } from "./input.ts";
import type { Conversation, Outlet } from "./server.ts";

/** Where the mail servers are, by `Auth-Protocol`. */
export type Targets = ReadonlyMap<string, Endpoint & { readonly is: "ip" }>;

/** Header names in lower case; of repeated ones the last counts. */
type Headers = Map<string, ByteString>;

export class AuthConversation implements Conversation {
  readonly patience = DEMO_LOGIN_MS;
  readonly #targets: Targets;
  readonly #outlet: Outlet;
  /** The request line and headers read so far. */
  #request: ByteString | null = null;
  readonly #headers: Headers = new Map();
  #size = 0;
  /** Bytes of a request's body still to be skipped. */
  #body = 0;

  constructor(targets: Targets, outlet: Outlet) {
    this.#targets = targets;
    this.#outlet = outlet;
  }

  greet(): void {}

  close(): void {}

  step(input: Input): boolean {
    if (this.#body > 0) return this.#skip(input);
    const line = input.line(DEMO_AUTH_REQUEST - this.#size);
    if (line === null) return false;
    if (line === LONG) this.#refuse("431 Request Header Fields Too Large");
    else this.#line(line);
    return true;
  }

  #skip(input: Input): boolean {
    const bytes = input.some();
    if (bytes === null) return false;
    input.unread(bytes.subarray(this.#body));
    this.#body = Math.max(0, this.#body - bytes.length);
    return true;
  }

  #line(line: ByteString): void {
    this.#size += line.length + 2;
    if (this.#request === null) {
      // RFC 9112 section 2.2: an empty line before a request is ignored.
      if (line !== "") this.#request = line;
    } else if (line === "") this.#answer(this.#request);
    else {
      const colon = line.indexOf(":");
      if (colon < 1) return this.#refuse("400 Bad Request");
      this.#headers.set(line.slice(0, colon).toLowerCase(), trim(line.slice(colon + 1)));
    }
  }

  #answer(request: ByteString): void {
    const [, method, version] = /^([A-Z]+) \S+ HTTP\/1\.([01])$/.exec(request) ?? [];
    if (method === undefined) return this.#refuse("400 Bad Request");
    if (method !== "GET") return this.#refuse("405 Method Not Allowed");
    const length = this.#headers.get("content-length") ?? "0";
    if (!/^\d{1,6}$/.test(length) || Number(length) > AUTH_BODY) {
      return this.#refuse("413 Content Too Large");
    }
    if (this.#headers.has("transfer-encoding")) return this.#refuse("501 Not Implemented");
    this.#body = Number(length);
    const stays = keepsAlive(this.#headers, version);
    this.#respond("200 OK", decide(this.#headers, this.#targets), stays);
    this.#request = null;
    this.#headers.clear();
    this.#size = 0;
  }

  #refuse(status: string): void {
    this.#respond(status, [], false);
  }

  #respond(status: string, headers: readonly (readonly [string, string])[], stays: boolean): void {
    const lines = [
      `HTTP/1.1 ${status}`,
      ...headers.map(([name, value]) => `${name}: ${value}`),
      `Connection: ${stays ? "keep-alive" : "close"}`,
      "Content-Length: 0",
    ];
    this.#outlet.send(lines.join("\r\n") + "\r\n\r\n");
    if (!stays) this.#outlet.finish();
  }
}

function keepsAlive(headers: Headers, version: string): boolean {
  const said = (headers.get("connection") ?? "").toLowerCase().split(/\s*,\s*/);
  return version === "1" ? !said.includes("close") : said.includes("keep-alive");
}

/** The verdict: who may come in, and to which server. */
export function decide(headers: Headers, targets: Targets): [string, string][] {
  const protocol = headers.get("auth-protocol") ?? "";
  const target = targets.get(protocol);
  if (!target) return [["Auth-Status", "Unknown protocol"]];
  if (headers.get("auth-method") === "none") {
    return [["Auth-Status", "Authentication required"], ["Auth-Error-Code", "530 5.7.0"]];
  }
  const user = percentDecode(headers.get("auth-user") ?? "");
  const password = new Secret(percentDecode(headers.get("auth-pass") ?? ""));
  if (headers.get("auth-method") !== "plain" || !accepts(user, password)) {
    const denied: [string, string][] = [["Auth-Status", DENIED], ["Auth-Wait", "3"]];
    return protocol === "smtp" ? [...denied, ["Auth-Error-Code", "535 5.7.8"]] : denied;
  }
  return [
    ["Auth-Status", "OK"],
    ["Auth-Server", target.address],
    ["Auth-Port", String(target.port)],
  ];
}

/** Every `%HH` is a byte; everything else, `+` too, is itself. */
export function percentDecode(text: ByteString): ByteString {
  return text.replace(/%([0-9A-Fa-f]{2})/g, (_, hex) => String.fromCharCode(parseInt(hex, 16)));
}
