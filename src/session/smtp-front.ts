/**
 * SMTP towards the client, up to login or the first recipient (RFC 5321; RFC 4954 AUTH; RFC 3207
 * STARTTLS).
 *
 * | command   | reply                                                                       |
 * |-----------|-----------------------------------------------------------------------------|
 * | HELO EHLO | 250, or 501 without exactly one argument                                    |
 * | AUTH      | an exchange; 501 without argument; 500 under `starttls only` before TLS     |
 * | MAIL      | 530 under `starttls only` before TLS (RFC 3207 section 4) or unless `smtp_auth none`; 503 when there is a sender; 501 without argument |
 * | RCPT      | 503 without sender; 501 without argument; else asks with method `none`      |
 * | RSET NOOP | 250                                                                         |
 * | STARTTLS  | 220 if offered, else 500                                                    |
 * | VRFY EXPN HELP | 500, not counted                                                       |
 * | QUIT      | 221                                                                         |
 * | other     | 500                                                                         |
 */

import { type ByteString, decode, printable } from "../core/bytes.ts";
import { LOG_QUOTE, SMTP_ARGUMENTS } from "../core/limits.ts";
import { NO_SECRET } from "../core/secret.ts";
import { type Line, Reader } from "../wire/reader.ts";
import { trimmed, verbOf, words } from "../wire/words.ts";
import { type Goodbye, LoginFront, type LoginSettings } from "./login.ts";
import type { BackLogin, Envelope } from "./machine.ts";
import { mechanismNamed, type SaslMechanism } from "./sasl.ts";

export interface SmtpSettings extends LoginSettings {
  readonly smtp_auth: readonly (SaslMechanism | "none")[];
  readonly smtp_capabilities: readonly ByteString[];
  readonly smtp_client_buffer: number;
  /** Milliseconds. */
  readonly smtp_greeting_delay: number;
}

/** What can be said before any client is there. */
export class SmtpWords {
  readonly settings: SmtpSettings;
  readonly ehlo: {
    readonly open: ByteString;
    readonly offer: ByteString;
    readonly only: ByteString;
  };
  readonly none: boolean;

  constructor(settings: SmtpSettings) {
    this.settings = settings;
    const mechanisms = settings.smtp_auth.filter((method) => method !== "none");
    const base = [settings.server_name, ...settings.smtp_capabilities];
    const auth = mechanisms.length > 0
      ? [["AUTH", ...mechanisms.map((name) => name.toUpperCase())].join(" ")]
      : [];
    this.ehlo = {
      open: multiline([...base, ...auth]),
      offer: multiline([...base, ...auth, "STARTTLS"]),
      only: multiline([...base, "STARTTLS"]),
    };
    this.none = settings.smtp_auth.includes("none");
  }
}

/** A 250 reply: a hyphen after the code on all lines but the last (RFC 5321 section 4.2.1). */
function multiline(lines: readonly ByteString[]): ByteString {
  return lines.map((line, i) => `250${i < lines.length - 1 ? "-" : " "}${line}\r\n`).join("");
}

interface SmtpCommand {
  readonly args: readonly ByteString[];
  /** The whole line. */
  readonly text: ByteString;
}

type Handler = (front: SmtpFront, command: SmtpCommand) => void;

const OK = "250 2.0.0 OK\r\n";
const INVALID_ARGUMENT = "501 5.5.4 Invalid argument\r\n";
const BAD_SEQUENCE = "503 5.5.1 Bad sequence of commands\r\n";
const AUTH_REQUIRED = "530 5.7.1 Authentication required\r\n";
const TLS_REQUIRED = "530 5.7.0 Must issue a STARTTLS command first\r\n";
const INVALID = "500 5.5.1 Invalid command\r\n";

export class SmtpFront extends LoginFront {
  override readonly protocol = "smtp";
  protected override readonly reader: Reader = new Reader();
  protected override readonly clientBuffer: number;
  readonly #words: SmtpWords;
  #helo: ByteString = "";
  /** Whether EHLO was ever said; a later HELO does not take it back. */
  #esmtp = false;
  #from: ByteString = "";
  #envelope: Envelope | null = null;

  constructor(words: SmtpWords) {
    super(words.settings);
    this.#words = words;
    this.clientBuffer = words.settings.smtp_client_buffer;
  }

  static readonly #commands: Readonly<Record<string, Handler>> = {
    HELO: (front, { args }) => front.#hello(args, false),
    EHLO: (front, { args }) => front.#hello(args, true),
    AUTH: (front, { args }) => front.#auth(args),
    MAIL: (front, command) => front.#mail(command),
    RCPT: (front, command) => front.#rcpt(command),
    RSET: (front) => {
      front.#from = "";
      front.say(OK);
    },
    NOOP: (front) => front.say(OK),
    QUIT: (front) => front.finish("221 2.0.0 Bye\r\n"),
    STARTTLS: (front) =>
      front.offersStartTls ? front.secure("220 2.0.0 Start TLS\r\n") : front.fault(),
    VRFY: (front) => front.say(INVALID),
    EXPN: (front) => front.say(INVALID),
    HELP: (front) => front.say(INVALID),
  };
  static readonly #verbs: readonly string[] = Object.keys(this.#commands);

  protected override get greetingDelay(): number {
    return this.#words.settings.smtp_greeting_delay;
  }

  protected override greeting(): ByteString {
    return `220 ${this.settings.server_name} ESMTP ready\r\n`;
  }

  protected override improperPipelining(bytes: Uint8Array): ByteString {
    // It may be logging in already.
    const said = decode(bytes).replace(/(^|\n) *AUTH\b[^]*/i, "$1AUTH ...");
    this.note(
      "info",
      `client was rejected before greeting: "${oneLine(said)}"`,
      "in delay pipelining state",
    );
    return "503 5.5.0 Improper use of SMTP command pipelining\r\n";
  }

  protected override invalid(): ByteString {
    return INVALID;
  }

  protected override internalError(): ByteString {
    return "451 4.3.2 Internal server error\r\n";
  }

  protected override goodbye(why: Goodbye): ByteString {
    if (why === "shutdown") return "421 4.3.2 Service shutting down\r\n";
    return why === "bad certificate"
      ? "421 4.7.1 SSL certificate error\r\n"
      : "421 4.7.1 No required SSL certificate\r\n";
  }

  protected override failure(text: ByteString, code: ByteString | null): ByteString {
    return `${code || "535 5.7.0"} ${text}\r\n`;
  }

  protected override challenge(base64: string): ByteString {
    return `334 ${base64}\r\n`;
  }

  protected override forget(): void {
    this.#helo = "";
    this.#from = "";
  }

  protected override welcome(): ByteString {
    return "235 2.0.0 OK\r\n";
  }

  protected override extra(): Pick<BackLogin, "tag" | "helo" | "esmtp" | "envelope"> {
    return { tag: "", helo: this.#helo, esmtp: this.#esmtp, envelope: this.#envelope };
  }

  protected override command(): boolean {
    const line = this.reader.line(this.clientBuffer);
    if (line === null) return false;
    if (line === "long") this.tooLong();
    else if (line.stray) this.fault();
    else this.#dispatch(line);
    return true;
  }

  #dispatch(line: Line): void {
    const text = this.reader.text(line);
    const args = words(text, SMTP_ARGUMENTS + 1);
    const verb = verbOf(args.shift()!, SmtpFront.#verbs);
    // NUL is in no command (RFC 5321 section 4.1.2), and names and envelope go on to the backend.
    if (verb === "" || args.length > SMTP_ARGUMENTS || text.includes("\0")) return this.fault();
    SmtpFront.#commands[verb](this, { args, text });
  }

  #hello(args: readonly ByteString[], extended: boolean): void {
    if (args.length !== 1) return this.say(INVALID_ARGUMENT);
    this.#helo = args[0];
    this.#from = "";
    if (!extended) return this.say(`250 ${this.settings.server_name}\r\n`);
    this.#esmtp = true;
    const { open, offer, only } = this.#words.ehlo;
    this.say(this.blocked ? only : this.offersStartTls ? offer : open);
  }

  #auth(args: readonly ByteString[]): void {
    if (this.blocked) return this.fault();
    if (args.length === 0) return this.say(INVALID_ARGUMENT);
    const [name, initial] = args;
    const mechanism = mechanismNamed(name, this.#words.settings.smtp_auth, initial);
    if (!mechanism || args.length > 2) return this.fault();
    this.#envelope = null;
    this.startSasl(mechanism, initial);
  }

  #mail(command: SmtpCommand): void {
    if (this.blocked) return this.say(TLS_REQUIRED);
    if (!this.#words.none) return this.#rejected(trimmed(command.text));
    if (this.#from !== "") return this.say(BAD_SEQUENCE);
    if (command.args.length === 0) return this.say(INVALID_ARGUMENT);
    this.#from = trimmed(command.text);
    this.login = "";
    this.say(OK);
  }

  #rejected(line: ByteString): void {
    this.note("info", `client was rejected: "${oneLine(`${line}\r\n`)}"`, "in auth state");
    this.say(AUTH_REQUIRED);
  }

  #rcpt(command: SmtpCommand): void {
    if (this.#from === "") return this.say(BAD_SEQUENCE);
    if (command.args.length === 0) return this.say(INVALID_ARGUMENT);
    this.#envelope = { helo: this.#helo, from: this.#from, to: trimmed(command.text) };
    this.submit("none", "", NO_SECRET, this.#envelope);
  }
}

/** What nginx makes of line ends in the two lines that quote an SMTP client. */
function oneLine(text: ByteString): string {
  return printable(text.replace(/[\r\n]/g, "_"), LOG_QUOTE);
}
