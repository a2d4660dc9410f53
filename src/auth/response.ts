/**
 * What an auth server's answer says: its headers, gathered in an `Answer`, and the verdict on them.
 * nginx's `auth_http` protocol, with these deliberate differences:
 * - a missing or empty `Auth-Status` is never a success: the answer breaks the protocol;
 * - `WAIT` without `Auth-Wait` asks again after `AUTH_RETRY_MS`, not at once;
 * - for SMTP, an `Auth-Error-Code` that is no 4yz or 5yz reply code gives way to the default, so that
 *   a refusal never reads as a success; controls in a failure text are dropped.
 *
 * The HTTP status code decides nothing. Pure.
 */

import type { ByteString } from "../core/bytes.ts";
import { printable } from "../core/bytes.ts";
import { AUTH_FAILURE_TEXT, AUTH_RETRY_MS, AUTH_WAIT_MS, LOG_QUOTE } from "../core/limits.ts";
import { Secret } from "../core/secret.ts";
import { type Endpoint, formatAddress, ip, parseAddress } from "../net/address.ts";
import type { Attempt, Verdict } from "../session/machine.ts";
import { type Framing, Measure } from "./body.ts";
import { type FieldName, HeadReader, type HeadSink } from "./head.ts";

/** The headers of one answer that mean something; of repeated ones the last counts. */
export class Answer implements HeadSink {
  readonly framing: Measure = new Measure();
  #allowed = false;
  #wait = false;
  /** The last `Auth-Status` that is neither OK nor WAIT. */
  #failure: ByteString | null = null;
  #emptyStatus = false;
  #server = "";
  #port = "";
  #user: ByteString | undefined;
  #password: Secret | undefined;
  #waitMs = 0;
  #code: ByteString = "";

  status(line: ByteString): void {
    this.framing.status(line);
  }

  field(name: FieldName, value: ByteString): void {
    switch (name) {
      case "auth-status":
        return this.#status(value);
      case "auth-server":
        this.#server = value;
        return;
      case "auth-port":
        this.#port = value;
        return;
      case "auth-user":
        this.#user = value;
        return;
      case "auth-pass":
        this.#password = new Secret(value);
        return;
      case "auth-wait":
        this.#waitMs = wait(value) ?? this.#waitMs;
        return;
      case "auth-error-code":
        this.#code = value;
        return;
      default:
        this.framing.header(name, value);
    }
  }

  #status(value: ByteString): void {
    if (value === "OK") this.#allowed = true;
    else if (value === "WAIT") this.#wait = true;
    else {
      const text = forReply(value);
      if (text === "") this.#emptyStatus = true;
      else this.#failure = text;
    }
  }

  /** How the answer breaks the protocol, to follow `auth http server PEER`; null when it does not. */
  get violation(): string | null {
    if (this.#failure !== null) return null;
    if (this.#emptyStatus) return "sent empty Auth-Status";
    return this.#allowed || this.#wait ? null : "did not send Auth-Status";
  }

  /**
   * Any failure beats WAIT, and WAIT beats OK, in whatever order they came. `broken.why` is what
   * follows `auth http server PEER` in the log.
   */
  verdict({ protocol, method }: Pick<Attempt, "protocol" | "method">): Verdict {
    if (this.#failure !== null) return this.#denied(protocol);
    const violation = this.violation;
    if (violation !== null) return broken(violation);
    if (this.#wait) return { is: "retry", waitMs: this.#waitMs || AUTH_RETRY_MS };
    if (this.#server === "" || this.#port === "") return broken("did not send server or port");
    // A digest or a certificate cannot log in at the backend; only SMTP may do without a login there.
    if (this.#password === undefined && protocol !== "smtp" && !REUSABLE.has(method)) {
      return broken("did not send password");
    }
    return this.#allow();
  }

  #denied(protocol: Attempt["protocol"]): Verdict {
    const code = forReply(this.#code);
    const usable = protocol === "smtp" ? /^[45]\d\d( |$)/.test(code) : code !== "";
    return {
      is: "deny",
      text: this.#failure!,
      code: usable ? code : null,
      waitMs: this.#waitMs || null,
      ...(this.#user !== undefined && { user: this.#user }),
    };
  }

  #allow(): Verdict {
    const address = parseAddress(this.#server);
    if (address === null || this.#server === BROADCAST) {
      return broken(`sent invalid server address:"${printable(this.#server, LOG_QUOTE)}"`);
    }
    const port = /^\d+$/.test(this.#port) ? Number(this.#port) : 0;
    if (port < 1 || port > 65535) {
      return broken(`sent invalid server port:"${printable(this.#port, LOG_QUOTE)}"`);
    }
    // The canonical form: `010.0.0.1` would be an octal number to some resolvers.
    const target: Endpoint = ip(formatAddress(address), port);
    // As the client gave them, mostly.
    if (this.#user === undefined && this.#password === undefined) return { is: "allow", target };
    return {
      is: "allow",
      target,
      ...(this.#user !== undefined && { user: this.#user }),
      ...(this.#password !== undefined && { password: this.#password }),
    };
  }
}

/** Methods whose password, or token in its place, can be sent on to a backend. */
const REUSABLE: ReadonlySet<Attempt["method"]> = new Set(["plain", "xoauth2", "oauthbearer"]);

/** Where no connection can be made to; nginx takes it for no address, its parser's word for an error. */
const BROADCAST = "255.255.255.255";

function broken(why: string): Verdict {
  return { is: "broken", why };
}

/** Seconds to milliseconds; null for what nginx ignores: anything but digits, or too large a number. */
function wait(value: ByteString): number | null {
  if (!/^\d+$/.test(value)) return null;
  const ms = Number(value) * 1000;
  return Number.isSafeInteger(ms) ? Math.min(ms, AUTH_WAIT_MS) : null;
}

/** Words for a reply line: without controls, save tabs, and of bounded length. */
function forReply(text: ByteString): ByteString {
  // deno-lint-ignore no-control-regex
  return text.replace(/[\x00-\x08\x0a-\x1f\x7f]/g, "").slice(0, AUTH_FAILURE_TEXT);
}

/** An answer as it came, for `test-auth`. */
export interface Inspected {
  /** Null when the server sent none. */
  readonly statusLine: ByteString | null;
  readonly headers: readonly (readonly [name: ByteString, value: ByteString])[];
  /** Bytes behind the empty line, which nginx does not read. */
  readonly bodySize: number;
  /** Whether the empty line was there. */
  readonly complete: boolean;
  /** To follow `auth http server PEER`. */
  readonly fault: string | null;
  readonly framing: Framing | null;
  /** What a session would make of it; null while the head is not complete. */
  readonly verdict: Verdict | null;
}

/** Reads a whole answer and keeps everything. `headers` may hold a password (`Auth-Pass`). */
export function inspectResponse(
  bytes: Uint8Array,
  attempt: Pick<Attempt, "protocol" | "method">,
): Inspected {
  const answer = new Answer();
  const headers: [ByteString, ByteString][] = [];
  let statusLine: ByteString | null = null;
  const reader = new HeadReader({
    status(line) {
      statusLine = line;
      answer.status(line);
    },
    header(name, value) {
      headers.push([name, value]);
    },
    field: (name, value) => answer.field(name, value),
  });
  const head = reader.push(bytes);
  return {
    statusLine,
    headers,
    bodySize: reader.done ? bytes.length - head : 0,
    complete: reader.done,
    fault: reader.fault,
    framing: reader.done ? answer.framing.result() : null,
    verdict: reader.done ? answer.verdict(attempt) : null,
  };
}
