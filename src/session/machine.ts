/**
 * Session machines: inputs in, actions out. A machine owns no socket, clock or randomness; it is total
 * (it never throws or waits) and any split of the same bytes gives the same actions.
 *
 * Inputs are nouns or participles, actions are verbs. A *front* talks to the client until it may be
 * joined to a backend; a *back* logs in at the backend. `proxy/driver.ts` performs the actions.
 */

import type { ByteString } from "../core/bytes.ts";
import type { LogEvent } from "../core/log.ts";
import type { Secret } from "../core/secret.ts";
import type { Endpoint } from "../net/address.ts";
import type { TlsInfo } from "../net/ports.ts";

export interface Machine<In, Act> {
  /** What it is doing, for logs, tests and `phase x command` tables. */
  readonly phase: string;
  push(input: In): readonly Act[];
}

export type ProtocolName = "imap" | "pop3" | "smtp";

/** Who is at the other end of the client's socket, as admission established it. */
export interface Peer {
  /** The client after PROXY header and realip. */
  readonly address: Endpoint;
  /** SMTP: the verified reverse name, `[UNAVAILABLE]` or `[TEMPUNAVAIL]`. */
  readonly host: string;
  /** Addresses of a PROXY header, when one carried them. */
  readonly proxied: { readonly source: Endpoint; readonly destination: Endpoint } | null;
}

// --- authentication ----------------------------------------------------------------------------

/** `Auth-Method` words. The last two are asked by `test-auth` alone: no front offers them to clients. */
export type AuthMethod =
  | "plain"
  | "apop"
  | "cram-md5"
  | "external"
  | "none"
  | "xoauth2"
  | "oauthbearer";

/** One submission of credentials, with all that an authenticator may ask about it. */
export interface Attempt {
  readonly protocol: ProtocolName;
  readonly method: AuthMethod;
  readonly user: ByteString;
  /** Password; the digest for apop and cram-md5; empty for external and none. */
  readonly password: Secret;
  /** `<R.T@NAME>`, for apop and cram-md5. */
  readonly salt: string | null;
  /** 1 for the first submission on the connection. */
  readonly attempt: number;
  readonly peer: Peer;
  /** Method `none`: the HELO name (may be empty) and the client's MAIL and RCPT lines. */
  readonly envelope: Envelope | null;
  readonly tls: TlsInfo | null;
}

export interface Envelope {
  readonly helo: ByteString;
  readonly from: ByteString;
  readonly to: ByteString;
}

/** What an authenticator decides. */
export type Verdict =
  | Allow
  /** `waitMs` null: answer at once and close. `code`: SMTP reply code text, null = the default. */
  | {
    readonly is: "deny";
    readonly text: ByteString;
    readonly code: ByteString | null;
    readonly waitMs: number | null;
    /** Replaces the login, in the log. */
    readonly user?: ByteString;
  }
  /** Ask again after the wait, say nothing to the client. */
  | { readonly is: "retry"; readonly waitMs: number }
  /** No decision could be had: the client gets an internal error. `why` has been logged. */
  | { readonly is: "broken"; readonly why: string };

export interface Allow {
  readonly is: "allow";
  readonly target: Endpoint;
  /** Replaces the login; absent = as the client gave it. May be the empty string. */
  readonly user?: ByteString;
  /** Replaces the password. */
  readonly password?: Secret;
}

/** `signal.aborted` or its event: the driver has lost interest (the client is gone, shutdown). */
export interface Authenticator {
  ask(attempt: Attempt, log: AuthLog): Promise<Verdict>;
  /** Frees what it keeps (idle connections); asks under way are finished. */
  close(): void;
}

/** Where an authenticator tells why; the driver adds the session's context. */
export interface AuthLog {
  note(event: LogEvent): void;
  readonly debug: boolean;
}

// --- front -----------------------------------------------------------------------------------

export type FrontInput =
  /**
   * Admission is done. `salt`: `R.T` of this connection (decimal random, Unix seconds), empty when no
   * challenge will be made.
   */
  | {
    readonly is: "open";
    readonly peer: Peer;
    readonly tls: TlsInfo | null;
    readonly salt: string;
  }
  | { readonly is: "bytes"; readonly bytes: Uint8Array }
  | { readonly is: "secured"; readonly tls: TlsInfo }
  | { readonly is: "verdict"; readonly verdict: Verdict }
  /** The back machine is done. `reply` is what the client shall see (see `BackAction`). */
  | { readonly is: "ready"; readonly reply: Uint8Array | null }
  | { readonly is: "refused"; readonly reply: Uint8Array | null }
  /** The deadline that the last `timer` action set has passed. */
  | { readonly is: "timeout" }
  | { readonly is: "shutdown" }
  | { readonly is: "eof" };

export type FrontAction =
  | { readonly do: "send"; readonly bytes: Uint8Array }
  /** Everything sent so far is flushed, then TLS starts; the driver drops unread bytes. */
  | { readonly do: "secure" }
  | { readonly do: "authenticate"; readonly attempt: Attempt }
  | { readonly do: "dial"; readonly target: Endpoint; readonly login: BackLogin }
  /**
   * Join: `early` are client bytes read beyond the login, the first for the backend. The driver notes
   * `client logged in`: it knows the addresses that stand in that line.
   */
  | { readonly do: "relay"; readonly early: Uint8Array }
  /** Replaces the session's one deadline; null disarms it. */
  | { readonly do: "timer"; readonly ms: number | null }
  | { readonly do: "note"; readonly event: LogEvent }
  /** Flush what was sent, then close. */
  | { readonly do: "close" };

export interface Front extends Machine<FrontInput, FrontAction> {
  /** For log lines: the login as far as known, empty before. */
  readonly login: ByteString;
  readonly starttls: boolean;
  /**
   * Whether it can use bytes now. False while a verdict, a backend or TLS is awaited: the driver then
   * keeps what arrives, up to the client buffer.
   */
  readonly hungry: boolean;
}

// --- back ------------------------------------------------------------------------------------

/** All that a back machine needs to log in and to pass the client's identity on. */
export interface BackLogin {
  readonly protocol: ProtocolName;
  readonly method: AuthMethod;
  readonly user: ByteString;
  /** Null: none is known (SMTP needs none unless `proxy_smtp_auth on`). */
  readonly password: Secret | null;
  /** IMAP: the client's tag, used for the LOGIN so that the reply can be forwarded as it is. */
  readonly tag: ByteString;
  readonly peer: Peer;
  /** SMTP: the client's HELO name (empty: none given), whether it ever sent EHLO, MAIL and RCPT lines. */
  readonly helo: ByteString;
  readonly esmtp: boolean;
  readonly envelope: Envelope | null;
}

export type BackInput =
  | { readonly is: "open" }
  | { readonly is: "bytes"; readonly bytes: Uint8Array }
  | { readonly is: "secured"; readonly tls: TlsInfo }
  | { readonly is: "eof" };

export type BackAction =
  | { readonly do: "send"; readonly bytes: Uint8Array }
  | { readonly do: "secure" }
  /** Logged in. `reply` goes to the client, null = the front's own words; then `rest` (backend bytes already read). */
  | { readonly do: "ready"; readonly reply: Uint8Array | null; readonly rest: Uint8Array }
  /** `reply`: the backend's own words, when `proxy_pass_error_message` lets them through. */
  | { readonly do: "refused"; readonly reply: Uint8Array | null }
  | { readonly do: "note"; readonly event: LogEvent };

export interface Back extends Machine<BackInput, BackAction> {
  /** For log lines about time-outs and resets: what it was doing. */
  readonly doing: NonNullable<LogEvent["doing"]>;
}
