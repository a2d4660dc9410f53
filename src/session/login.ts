/**
 * What every front has in common: the greeting, TLS, SASL (RFC 4422), counting errors, submitting
 * credentials and acting on the verdict. A protocol supplies its grammar and its words.
 *
 * Phases: `command` and `sasl` take lines; `starttls`, `verdict`, `delay`, `retry` and `backend` wait
 * for something else and take no bytes; `relay` and `closed` are the end.
 */

import { type ByteString, encode, printable } from "../core/bytes.ts";
import type { Doing, Level } from "../core/log.ts";
import { Secret } from "../core/secret.ts";
import type { TlsInfo } from "../net/ports.ts";
import type { Reader } from "../wire/reader.ts";
import { words } from "../wire/words.ts";
import { type CertificateFault, certificateFault, type VerifyMode } from "./client-certificate.ts";
import type { Allow, AuthMethod, BackLogin, Envelope, Front, Peer } from "./machine.ts";
import type { FrontAction, FrontInput, ProtocolName, Verdict } from "./machine.ts";
import { SaslExchange, type SaslMechanism } from "./sasl.ts";
import { backLogin, Submissions } from "./submissions.ts";

export type FrontPhase =
  | "new"
  | "greeting delay"
  | "command"
  | "sasl"
  | "starttls"
  | "verdict"
  | "delay"
  | "retry"
  | "backend"
  | "relay"
  | "closed";

/** The settings that every front reads. */
export interface LoginSettings {
  readonly server_name: ByteString;
  /** Milliseconds. */
  readonly timeout: number;
  readonly max_errors: number;
  readonly starttls: "off" | "on" | "only";
  readonly ssl_verify_client: VerifyMode;
}

/** Why a client is sent away with words of its own. */
export type Goodbye = CertificateFault["is"] | "shutdown";

export abstract class LoginFront implements Front {
  abstract readonly protocol: ProtocolName;
  phase: FrontPhase = "new";
  login: ByteString = "";
  starttls = false;

  protected readonly settings: LoginSettings;
  protected abstract readonly reader: Reader;
  protected tls: TlsInfo | null = null;
  protected peer!: Peer;
  /** `<R.T@NAME>`: in challenges and APOP greetings. */
  protected salt = "";

  #actions: FrontAction[] = [];
  #text = "";
  #errors = 0;
  readonly #submissions = new Submissions();
  /** The failure reply that `Auth-Wait` holds back. */
  #held = "";
  #sasl: SaslExchange | null = null;

  constructor(settings: LoginSettings) {
    this.settings = settings;
  }

  // --- what a protocol supplies ---------------------------------------------------------------

  /** The words of the protocol; each ends with CR LF. */
  protected abstract greeting(): ByteString;
  protected abstract invalid(): ByteString;
  protected abstract internalError(): ByteString;
  protected abstract goodbye(why: Goodbye): ByteString;
  protected abstract failure(text: ByteString, code: ByteString | null): ByteString;
  /** The prompt around a base64 challenge. */
  protected abstract challenge(base64: string): ByteString;
  /** Reads and handles one command; false when more bytes are needed. */
  protected abstract command(): boolean;
  /** The `*_client_buffer`: bytes that one command, or one line of an exchange, may have. */
  protected abstract readonly clientBuffer: number;
  /** Forgets what a failed login leaves behind. */
  protected reset(): void {}
  /** What TLS makes void (SMTP: the HELO name and envelope). */
  protected forget(): void {}
  /** The reply to a successful login that the backend does not give itself. */
  protected welcome(): ByteString {
    return "";
  }
  /** What the backend login needs beyond the credentials. */
  protected extra(): Pick<BackLogin, "tag" | "helo" | "esmtp" | "envelope"> {
    return { tag: "", helo: "", esmtp: false, envelope: null };
  }
  /** Milliseconds before the greeting in which the client must be silent. */
  protected get greetingDelay(): number {
    return 0;
  }

  // --- the machine ---------------------------------------------------------------------------

  get hungry(): boolean {
    return this.phase === "command" || this.phase === "sasl" || this.phase === "greeting delay";
  }

  push(input: FrontInput): readonly FrontAction[] {
    this.#actions = [];
    this.#take(input);
    while (this.phase === "command" || this.phase === "sasl") {
      if (!(this.phase === "command" ? this.command() : this.#saslStep())) break;
    }
    this.#flush();
    return this.#actions;
  }

  #take(input: FrontInput): void {
    if (this.phase === "closed" || this.phase === "relay") return;
    switch (input.is) {
      case "open":
        return this.phase === "new" ? this.#open(input) : undefined;
      case "bytes":
        if (this.phase === "greeting delay") return this.#tooEarly(input.bytes);
        // In clear, behind STARTTLS: void (CVE-2011-0411).
        return this.phase === "starttls" ? undefined : this.reader.add(input.bytes);
      case "secured":
        return this.#secured(input.tls);
      case "verdict":
        return this.phase === "verdict" ? this.#verdict(input.verdict) : undefined;
      case "ready":
        return this.phase === "backend" ? this.#join(input.reply) : undefined;
      case "refused":
        return this.phase === "backend" ? this.#refused(input.reply) : undefined;
      case "timeout":
        return this.#timeout();
      case "shutdown":
        // Words in clear in the middle of a handshake would break it.
        return this.finish(this.phase === "starttls" ? "" : this.goodbye("shutdown"));
      case "eof":
        return this.finish("");
    }
  }

  #open(input: Extract<FrontInput, { is: "open" }>): void {
    this.peer = input.peer;
    this.tls = input.tls;
    this.salt = input.salt && `<${input.salt}@${this.settings.server_name}>`;
    if (this.tls && !this.#certificateAccepted(this.tls)) return;
    if (this.greetingDelay > 0) {
      this.phase = "greeting delay";
      return this.act({ do: "timer", ms: this.greetingDelay });
    }
    this.#greet();
  }

  #greet(): void {
    this.phase = "command";
    this.act({ do: "timer", ms: this.settings.timeout });
    this.say(this.greeting());
  }

  #tooEarly(bytes: Uint8Array): void {
    this.finish(this.improperPipelining(bytes));
  }

  /** Client bytes before the greeting: only SMTP waits with its greeting. */
  protected improperPipelining(_bytes: Uint8Array): ByteString {
    return "";
  }

  // --- TLS -----------------------------------------------------------------------------------

  /** Whether credentials are refused until TLS is on (`starttls only`). */
  protected get blocked(): boolean {
    return this.tls === null && this.settings.starttls === "only";
  }

  protected get offersStartTls(): boolean {
    return this.tls === null && this.settings.starttls !== "off";
  }

  /** Answers in clear, then upgrades. What the client sent behind the command is dropped (CVE-2011-0411). */
  protected secure(reply: ByteString): void {
    this.say(reply);
    this.reader.clear();
    this.phase = "starttls";
    this.starttls = true;
    this.act({ do: "secure" });
  }

  #secured(tls: TlsInfo): void {
    if (this.phase !== "starttls") return;
    this.tls = tls;
    // RFC 3207 section 4.2: what was said in clear may be another's words.
    this.login = "";
    this.forget();
    this.phase = "command";
    this.#certificateAccepted(tls);
  }

  /** Refuses in words, inside TLS, when the client's certificate does not do. */
  #certificateAccepted(tls: TlsInfo): boolean {
    const fault = certificateFault(this.settings.ssl_verify_client, tls);
    if (!fault) return true;
    this.note("info", fault.message, this.starttls ? "in starttls state" : "SSL handshaking");
    this.finish(this.goodbye(fault.is));
    return false;
  }

  // --- SASL ----------------------------------------------------------------------------------

  /** Starts `mechanism` if it is enabled; `initial` is the initial response, undefined when absent. */
  protected startSasl(mechanism: SaslMechanism, initial: ByteString | undefined): void {
    this.#sasl = new SaslExchange(mechanism, this.salt);
    if (initial !== undefined) return this.#saslResponse(initial);
    this.phase = "sasl";
    this.say(this.challenge(this.#sasl.prompt()));
  }

  /** One line of the exchange, of which the first word counts. */
  #saslStep(): boolean {
    const line = this.reader.line(this.clientBuffer);
    if (line === null) return false;
    if (line === "long") this.tooLong();
    else if (line.stray) this.fault();
    else this.#saslResponse(words(this.reader.text(line), 1)[0]);
    return true;
  }

  #saslResponse(line: ByteString): void {
    const step = this.#sasl!.response(line);
    this.login = this.#sasl!.user ?? this.login;
    switch (step.is) {
      case "prompt":
        this.phase = "sasl";
        return this.say(this.challenge(step.prompt));
      case "fault":
        this.note("info", step.message, "in auth state");
        return this.fault();
      case "done":
        return this.submit(step.method, step.user, new Secret(step.password));
    }
  }

  // --- errors --------------------------------------------------------------------------------

  /** An invalid command: counted, answered, and back to the initial state. */
  protected fault(): void {
    const reply = this.invalid();
    this.#sasl = null;
    this.phase = "command";
    this.reset();
    if (++this.#errors >= Math.max(1, this.settings.max_errors)) {
      this.note("info", "client sent too many invalid commands", "in auth state");
      return this.finish(reply);
    }
    this.say(reply);
  }

  /** A command that does not fit in the client buffer. Its bytes may hold a password: not logged. */
  protected tooLong(): void {
    this.note("info", "client sent too long command", "in auth state");
    this.finish(this.invalid());
  }

  // --- verdict -------------------------------------------------------------------------------

  protected submit(
    method: AuthMethod,
    user: ByteString,
    password: Secret,
    envelope: Envelope | null = null,
  ): void {
    const { protocol, salt, peer, tls } = this;
    this.login = user;
    this.#sasl = null;
    this.#submissions.add({ protocol, method, user, password, salt, peer, envelope, tls });
    this.#ask();
  }

  #ask(): void {
    this.phase = "verdict";
    // The authenticator has deadlines of its own.
    this.act({ do: "timer", ms: null });
    this.act({ do: "authenticate", attempt: this.#submissions.current! });
  }

  #verdict(verdict: Verdict): void {
    switch (verdict.is) {
      case "broken":
        return this.finish(this.internalError());
      case "retry":
        return this.#retry(verdict.waitMs);
      case "deny":
        return this.#deny(verdict);
      case "allow":
        return this.#allow(verdict);
    }
  }

  #allow(verdict: Allow): void {
    const login = backLogin(this.#submissions.current!, verdict, this.extra());
    this.login = login.user;
    this.phase = "backend";
    this.act({ do: "timer", ms: this.settings.timeout });
    this.act({ do: "dial", target: verdict.target, login });
  }

  #retry(waitMs: number): void {
    if (!this.#submissions.retry()) {
      this.note("error", "auth http server asked to wait too often", "in http auth state");
      return this.finish(this.internalError());
    }
    this.phase = "retry";
    this.act({ do: "timer", ms: waitMs });
  }

  #deny(verdict: Extract<Verdict, { is: "deny" }>): void {
    this.login = verdict.user ?? this.login;
    this.note("info", `client login failed: "${printable(verdict.text)}"`, "in http auth state");
    this.#held = this.failure(verdict.text, verdict.code);
    if (verdict.waitMs === null) return this.finish(this.#held);
    this.phase = "delay";
    this.act({ do: "timer", ms: verdict.waitMs });
  }

  #timeout(): void {
    switch (this.phase) {
      case "greeting delay":
        return this.#greet();
      case "retry":
        return this.#ask();
      case "delay":
        this.phase = "command";
        this.say(this.#held);
        this.reset();
        return this.act({ do: "timer", ms: this.settings.timeout });
      case "starttls":
        return this.finish("");
      case "verdict":
      case "backend":
        // Both have deadlines of their own, which end in a verdict or a refusal.
        return;
      default:
        this.note("info", "client timed out", "in auth state", "(110: Connection timed out)");
        return this.finish("");
    }
  }

  #join(reply: Uint8Array | null): void {
    if (reply) this.act({ do: "send", bytes: reply });
    else this.say(this.welcome());
    this.phase = "relay";
    this.act({ do: "timer", ms: null });
    this.act({ do: "relay", early: this.reader.rest() });
    this.#submissions.forget();
  }

  #refused(reply: Uint8Array | null): void {
    if (reply) this.act({ do: "send", bytes: reply });
    this.finish(reply ? "" : this.internalError());
  }

  // --- actions -------------------------------------------------------------------------------

  protected say(text: ByteString): void {
    this.#text += text;
  }

  /** Says the last words and closes. */
  protected finish(text: ByteString): void {
    this.say(text);
    this.phase = "closed";
    this.#submissions.forget();
    this.reader.clear();
    this.act({ do: "close" });
  }

  protected note(level: Level, message: string, doing?: Doing, errno?: string): void {
    this.#actions.push({ do: "note", event: { level, message, doing, errno } });
  }

  protected act(action: FrontAction): void {
    this.#flush();
    this.#actions.push(action);
  }

  /** The replies of one turn leave as one write. */
  #flush(): void {
    if (this.#text === "") return;
    this.#actions.push({ do: "send", bytes: encode(this.#text) });
    this.#text = "";
  }
}
