/**
 * POP3 towards the client, up to login (RFC 1939; RFC 2449 CAPA; RFC 5034 AUTH; RFC 2595 STLS).
 *
 * | command     | at first              | after USER | `starttls only`, plaintext |
 * |-------------|-----------------------|------------|----------------------------|
 * | USER        | remembered            | -ERR       | -ERR                       |
 * | PASS        | -ERR                  | login      | -ERR                       |
 * | APOP        | if enabled            | -ERR       | -ERR                       |
 * | AUTH        | list, or an exchange  | -ERR       | -ERR                       |
 * | CAPA        | list                  | list       | list without USER, SASL    |
 * | STLS        | if `starttls`         | -ERR       | yes                        |
 * | NOOP QUIT   | +OK                   | +OK        | +OK                        |
 * | other       | -ERR                  | -ERR       | -ERR                       |
 */

import type { ByteString } from "../core/bytes.ts";
import { POP3_ARGUMENTS } from "../core/limits.ts";
import { Secret } from "../core/secret.ts";
import { type Line, Reader } from "../wire/reader.ts";
import { remainder, verbOf, words } from "../wire/words.ts";
import { type Goodbye, LoginFront, type LoginSettings } from "./login.ts";
import { mechanismNamed } from "./sasl.ts";

export interface Pop3Settings extends LoginSettings {
  readonly pop3_auth: readonly ("plain" | "apop" | "cram-md5" | "external")[];
  readonly pop3_capabilities: readonly ByteString[];
  readonly pop3_client_buffer: number;
}

/** What can be said before any client is there. */
export class Pop3Words {
  readonly settings: Pop3Settings;
  readonly capabilities: {
    readonly open: ByteString;
    readonly offer: ByteString;
    readonly only: ByteString;
  };
  readonly methods: ByteString;
  /** APOP and CRAM-MD5 need a salt, which APOP clients take from the greeting. */
  readonly salted: boolean;

  constructor(settings: Pop3Settings) {
    this.settings = settings;
    const enabled = settings.pop3_auth;
    // `plain` stands for LOGIN too.
    const sasl = [
      ...(enabled.includes("plain") ? ["PLAIN", "LOGIN"] : []),
      ...(enabled.includes("cram-md5") ? ["CRAM-MD5"] : []),
      ...(enabled.includes("external") ? ["EXTERNAL"] : []),
    ];
    const caps = settings.pop3_capabilities;
    const list = (lines: readonly string[]) =>
      ["+OK Capability list follows", ...lines, ".", ""].join("\r\n");
    const saslLine = ["SASL", ...sasl].join(" ");
    this.capabilities = {
      open: list([...caps, saslLine]),
      offer: list([...caps, saslLine, "STLS"]),
      only: list([...caps.filter((word) => word.toUpperCase() !== "USER"), "STLS"]),
    };
    this.methods = ["+OK methods supported:", ...sasl, ".", ""].join("\r\n");
    this.salted = enabled.includes("apop") || enabled.includes("cram-md5");
  }
}

interface Pop3Command {
  readonly args: readonly ByteString[];
  /** The whole rest of the line: USER and PASS may hold spaces. */
  readonly rest: ByteString;
}

type Handler = (front: Pop3Front, command: Pop3Command) => void;

const OK = "+OK\r\n";

export class Pop3Front extends LoginFront {
  override readonly protocol = "pop3";
  protected override readonly reader: Reader = new Reader();
  protected override readonly clientBuffer: number;
  readonly #words: Pop3Words;
  /** The name of USER, until PASS. */
  #user: ByteString | null = null;

  constructor(words: Pop3Words) {
    super(words.settings);
    this.#words = words;
    this.clientBuffer = words.settings.pop3_client_buffer;
  }

  static readonly #initial: Readonly<Record<string, Handler>> = {
    USER: (front, command) => front.#userCommand(command.rest),
    APOP: (front, command) => front.#apop(command.args),
    AUTH: (front, command) => front.#auth(command.args),
    CAPA: (front) => front.say(front.#capabilities()),
    STLS: (front) => front.offersStartTls ? front.secure(OK) : front.fault(),
    NOOP: (front) => front.say(OK),
    QUIT: (front) => front.finish(OK),
  };

  static readonly #afterUser: Readonly<Record<string, Handler>> = {
    PASS: (front, command) => front.#pass(command.rest),
    CAPA: (front) => front.say(front.#words.capabilities.open),
    NOOP: (front) => front.say(OK),
    QUIT: (front) => front.finish(OK),
  };

  static readonly #initialVerbs: readonly string[] = Object.keys(this.#initial);
  static readonly #afterUserVerbs: readonly string[] = Object.keys(this.#afterUser);

  protected override greeting(): ByteString {
    return this.#words.salted ? `+OK POP3 ready ${this.salt}\r\n` : "+OK POP3 ready\r\n";
  }

  protected override invalid(): ByteString {
    return "-ERR invalid command\r\n";
  }

  protected override internalError(): ByteString {
    return "-ERR internal server error\r\n";
  }

  protected override goodbye(why: Goodbye): ByteString {
    if (why === "shutdown") return "-ERR server shutting down\r\n";
    return why === "bad certificate"
      ? "-ERR SSL certificate error\r\n"
      : "-ERR No required SSL certificate\r\n";
  }

  protected override failure(text: ByteString): ByteString {
    return `-ERR ${text}\r\n`;
  }

  protected override challenge(base64: string): ByteString {
    return `+ ${base64}\r\n`;
  }

  protected override reset(): void {
    this.#user = null;
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
    const args = words(text, POP3_ARGUMENTS + 1);
    const fresh = this.#user === null;
    const verb = verbOf(args.shift()!, fresh ? Pop3Front.#initialVerbs : Pop3Front.#afterUserVerbs);
    const spaced = verb === "USER" || verb === "PASS";
    if (verb === "" || (!spaced && args.length > POP3_ARGUMENTS)) return this.fault();
    const table = fresh ? Pop3Front.#initial : Pop3Front.#afterUser;
    table[verb](this, { args, rest: spaced ? remainder(text) : "" });
  }

  #userCommand(name: ByteString): void {
    if (this.blocked || name === "") return this.fault();
    this.#user = name;
    this.login = name;
    this.say(OK);
  }

  #pass(password: ByteString): void {
    if (password === "") return this.fault();
    this.submit("plain", this.#user!, new Secret(password));
  }

  #apop(args: readonly ByteString[]): void {
    const enabled = this.#words.settings.pop3_auth.includes("apop");
    if (this.blocked || !enabled || args.length !== 2) return this.fault();
    this.submit("apop", args[0], new Secret(args[1]));
  }

  #auth(args: readonly ByteString[]): void {
    if (this.blocked) return this.fault();
    if (args.length === 0) return this.say(this.#words.methods);
    const [name, initial] = args;
    const mechanism = mechanismNamed(name, this.#words.settings.pop3_auth, initial);
    if (!mechanism || args.length > 2) return this.fault();
    this.startSasl(mechanism, initial);
  }

  #capabilities(): ByteString {
    const { open, offer, only } = this.#words.capabilities;
    if (this.blocked) return only;
    return this.offersStartTls ? offer : open;
  }
}
