/**
 * A mail server that can be told how to misbehave: no STARTTLS, a bad certificate, silence at a step,
 * commands injected before STARTTLS, an open relay, passwords repeated in refusals. IMAP, POP3 and SMTP,
 * just enough for a client to log in and leave.
 */

import { concat, decode, encode } from "../../src/core/bytes.ts";
import { type Endpoint, ip } from "../../src/net/address.ts";
import type { CertificateAndKey, Connection, Runtime, TlsVersion } from "../../src/net/ports.ts";
import { decodeBase64 } from "../../src/wire/sasl.ts";

export type Hang = "greeting" | "capabilities" | "starttls" | "handshake" | "login" | "logout";

export interface Misbehaviour {
  readonly protocol: "imap" | "pop3" | "smtp";
  /** Absent: no STARTTLS, no TLS. */
  readonly certificate?: CertificateAndKey;
  readonly implicit?: boolean;
  readonly versions?: readonly TlsVersion[];
  readonly alpn?: readonly string[];
  /** Sends its greeting so slowly that it never ends: a byte each so many milliseconds. */
  readonly drips?: number;
  /** Says nothing any more from this step on. */
  readonly hangs?: Hang;
  /** Runs what came in one packet with STARTTLS. */
  readonly injectable?: boolean;
  /** Capabilities before and after TLS, in the protocol's own words, `STARTTLS` not among them. */
  readonly cleartext?: readonly string[];
  readonly secured?: readonly string[];
  readonly relays?: boolean;
  /** Takes MAIL under TLS alone. */
  readonly mailUnderTls?: boolean;
  readonly greeting?: string;
  /** Refuses every login, and repeats what it was sent. */
  readonly parrot?: boolean;
}

export interface MailServer {
  readonly port: number;
  /** Decoded credentials of each AUTH PLAIN. */
  readonly logins: readonly string[];
  /** ID and XCLIENT commands, whole. */
  readonly introductions: readonly string[];
  [Symbol.asyncDispose](): Promise<void>;
}

export async function startMailServer(
  runtime: Runtime,
  behaviour: Misbehaviour,
  place: Endpoint = ip("127.0.0.1", 0),
): Promise<MailServer> {
  const logins: string[] = [];
  const introductions: string[] = [];
  const open = new Set<Connection>();
  const listener = await runtime.listen(place, {}, (connection) => {
    open.add(connection);
    new Session(runtime, connection, behaviour, { logins, introductions }).begin();
  });
  const { at } = listener;
  return {
    port: at.is === "ip" ? at.port : 0,
    logins,
    introductions,
    async [Symbol.asyncDispose]() {
      for (const connection of open) connection.destroy();
      await listener.close();
    },
  };
}

const OFFERS = {
  imap: ["IMAP4rev1", "SASL-IR", "AUTH=PLAIN"],
  pop3: ["UIDL", "USER", "SASL PLAIN"],
  smtp: ["PIPELINING", "AUTH PLAIN"],
} as const;

class Session {
  readonly #runtime: Runtime;
  readonly #connection: Connection;
  readonly #behaviour: Misbehaviour;
  readonly #logins: string[];
  readonly #introductions: string[];
  #unread: Uint8Array = new Uint8Array(0);
  #hung = false;
  #gone = false;
  #securing = false;
  #tag = "";

  constructor(
    runtime: Runtime,
    connection: Connection,
    behaviour: Misbehaviour,
    heard: { readonly logins: string[]; readonly introductions: string[] },
  ) {
    [this.#runtime, this.#connection, this.#behaviour] = [runtime, connection, behaviour];
    [this.#logins, this.#introductions] = [heard.logins, heard.introductions];
  }

  begin(): void {
    this.#connection.receiver = {
      data: (bytes) => this.#data(bytes),
      drain: () => {},
      end: () => this.#connection.destroy(),
      close: () => this.#gone = true,
    };
    if (this.#behaviour.implicit) void this.#secure(new Uint8Array(0), () => this.#greet());
    else this.#greet();
  }

  #greet(): void {
    const { protocol, greeting, drips } = this.#behaviour;
    if (drips !== undefined) return this.#drip(drips);
    const usual = { imap: "* OK ready", pop3: "+OK ready", smtp: "220 test ESMTP" }[protocol];
    this.#at("greeting", () => this.#say(greeting ?? usual));
  }

  #drip(ms: number): void {
    if (this.#gone) return;
    this.#connection.write(encode("*"));
    this.#runtime.clock.after(ms, () => this.#drip(ms));
  }

  #data(bytes: Uint8Array): void {
    this.#unread = concat([this.#unread, bytes]);
    while (!this.#securing) {
      const end = this.#unread.indexOf(10);
      if (end < 0) return;
      const line = decode(this.#unread, 0, end).replace(/\r$/, "");
      this.#unread = this.#unread.subarray(end + 1);
      this.#line(line);
    }
  }

  #line(line: string): void {
    const words = line.split(" ");
    if (this.#behaviour.protocol === "imap") this.#tag = words.shift() ?? "";
    const verb = (words.shift() ?? "").toUpperCase();
    switch (verb) {
      case "CAPABILITY":
      case "CAPA":
      case "EHLO":
        return this.#at("capabilities", () => this.#offer());
      case "STARTTLS":
      case "STLS":
        return this.#at("starttls", () => this.#startTls());
      case "AUTHENTICATE":
      case "AUTH":
        return this.#at("login", () => this.#login(words[1] ?? ""));
      case "LOGOUT":
      case "QUIT":
        return this.#at("logout", () => {
          this.#ok("221", "bye");
          this.#connection.end();
        });
      case "ID":
      case "XCLIENT":
        this.#introductions.push(line);
        return this.#ok("220", "introduced");
      case "STATUS":
        this.#say("* STATUS INBOX (MESSAGES 3)");
        return this.#ok("250", "done");
      case "STAT":
        return this.#ok("250", "3 420");
      case "MAIL":
        return this.#behaviour.mailUnderTls && this.#connection.tls === null
          ? this.#say("530 5.7.0 Must issue a STARTTLS command first")
          : this.#ok("250", "done");
      case "RCPT":
        return this.#behaviour.relays
          ? this.#ok("250", "taken")
          : this.#say("554 5.7.1 no relaying");
      default:
        return this.#ok("250", "done");
    }
  }

  #offer(): void {
    const { protocol, cleartext, secured, certificate } = this.#behaviour;
    const under = this.#connection.tls !== null;
    const starttls = protocol === "pop3" ? "STLS" : "STARTTLS";
    const words = [
      ...(under ? secured : cleartext) ?? OFFERS[protocol],
      ...(certificate && !under ? [starttls] : []),
    ];
    if (protocol === "imap") this.#say(`* CAPABILITY ${words.join(" ")}`);
    if (protocol === "smtp") {
      return this.#say(
        ["test", ...words].map((word, at) => `250${at < words.length ? "-" : " "}${word}`).join(
          "\r\n",
        ),
      );
    }
    this.#ok("250", "done");
    if (protocol === "pop3") this.#say([...words, "."].join("\r\n"));
  }

  #startTls(): void {
    this.#ok("220", "go ahead");
    const injected = this.#behaviour.injectable ? this.#unread : new Uint8Array(0);
    const rest = this.#behaviour.injectable ? new Uint8Array(0) : afterLines(this.#unread);
    this.#unread = new Uint8Array(0);
    void this.#secure(rest, () => this.#data(injected));
  }

  async #secure(pending: Uint8Array, then: () => void): Promise<void> {
    const { certificate, hangs, versions, alpn } = this.#behaviour;
    if (!certificate || hangs === "handshake") {
      this.#securing = true;
      return;
    }
    this.#securing = true;
    try {
      await this.#connection.startTls(
        this.#runtime.tls.server({
          certificates: [certificate],
          protocols: versions ?? ["TLSv1.2", "TLSv1.3"],
          ...(alpn && { alpn }),
        }),
        { pending },
      );
    } catch {
      return;
    }
    this.#securing = false;
    then();
  }

  #login(message: string): void {
    this.#logins.push(decodeBase64(message) ?? "");
    const { protocol, parrot } = this.#behaviour;
    if (!parrot) return this.#ok("235", "welcome");
    const no = { imap: `${this.#tag} NO`, pop3: "-ERR", smtp: "535" }[protocol];
    this.#say(`${no} wrong: ${message}`);
  }

  #ok(code: string, text: string): void {
    const { protocol } = this.#behaviour;
    this.#say(
      { imap: `${this.#tag} OK ${text}`, pop3: `+OK ${text}`, smtp: `${code} ${text}` }[protocol],
    );
  }

  #at(step: Hang, run: () => void): void {
    this.#hung ||= this.#behaviour.hangs === step;
    if (!this.#hung) run();
  }

  #say(text: string): void {
    this.#connection.write(encode(`${text}\r\n`));
  }
}

/** What is no line of text: the start of a handshake. */
function afterLines(bytes: Uint8Array): Uint8Array {
  return bytes[0] === 22 ? bytes : new Uint8Array(0);
}
