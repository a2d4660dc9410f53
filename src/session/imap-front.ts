/**
 * IMAP towards the client, up to login (RFC 3501; RFC 4959 SASL-IR; RFC 2971 ID; RFC 2595 STARTTLS).
 *
 * | command      | plaintext           | `starttls only`, plaintext | after TLS |
 * |--------------|---------------------|----------------------------|-----------|
 * | CAPABILITY   | list                | list, LOGINDISABLED        | list      |
 * | NOOP LOGOUT ID | OK                | OK                         | OK        |
 * | STARTTLS     | if `starttls`       | yes                        | BAD       |
 * | LOGIN AUTHENTICATE | yes           | BAD                        | yes       |
 * | other        | BAD                 | BAD                        | BAD       |
 */

import type { ByteString } from "../core/bytes.ts";
import { Secret } from "../core/secret.ts";
import { type ImapCommand, ImapReader } from "../wire/imap.ts";
import { type Goodbye, LoginFront, type LoginSettings } from "./login.ts";
import type { BackLogin } from "./machine.ts";
import { mechanismNamed, type SaslMechanism } from "./sasl.ts";

export interface ImapSettings extends LoginSettings {
  readonly imap_auth: readonly SaslMechanism[];
  readonly imap_capabilities: readonly ByteString[];
  readonly imap_client_buffer: number;
}

/** What can be said before any client is there. */
export class ImapWords {
  /** Indexed by what the client may do: plain, plain with STARTTLS offered, only STARTTLS. */
  readonly capability: {
    readonly open: ByteString;
    readonly offer: ByteString;
    readonly only: ByteString;
  };
  readonly settings: ImapSettings;

  constructor(settings: ImapSettings) {
    this.settings = settings;
    const base = ["* CAPABILITY", ...settings.imap_capabilities].join(" ");
    const auth = settings.imap_auth.map((mechanism) => ` AUTH=${mechanism.toUpperCase()}`).join("");
    this.capability = {
      open: `${base}${auth}\r\n`,
      offer: `${base}${auth} STARTTLS\r\n`,
      only: `${base} STARTTLS LOGINDISABLED\r\n`,
    };
  }
}

type Handler = (front: ImapFront, command: ImapCommand) => void;

export class ImapFront extends LoginFront {
  static readonly #commands: Readonly<Record<string, Handler>> = {
    CAPABILITY: (front) => front.#completed(front.#capability()),
    NOOP: (front) => front.#completed(""),
    ID: (front) => front.#completed("* ID NIL\r\n"),
    LOGOUT: (front) => front.finish(`* BYE\r\n${front.#tag} OK completed\r\n`),
    STARTTLS: (front) =>
      front.offersStartTls ? front.secure(`${front.#tag} OK completed\r\n`) : front.fault(),
    LOGIN: (front, command) => front.#login(command),
    AUTHENTICATE: (front, command) => front.#authenticate(command),
  };
  static readonly #verbs: readonly string[] = Object.keys(this.#commands);

  override readonly protocol = "imap";
  protected override readonly reader: ImapReader = new ImapReader(ImapFront.#verbs);
  protected override readonly clientBuffer: number;
  readonly #words: ImapWords;
  /** Of the command being answered; `*` when none was recognised. */
  #tag: ByteString = "*";

  constructor(words: ImapWords) {
    super(words.settings);
    this.#words = words;
    this.clientBuffer = words.settings.imap_client_buffer;
  }

  protected override greeting(): ByteString {
    return "* OK IMAP4 ready\r\n";
  }

  protected override invalid(): ByteString {
    return `${this.#tag} BAD invalid command\r\n`;
  }

  protected override internalError(): ByteString {
    return "* BAD internal server error\r\n";
  }

  protected override goodbye(why: Goodbye): ByteString {
    if (why === "shutdown") return "* BYE Server shutting down\r\n";
    return why === "bad certificate"
      ? "* BYE SSL certificate error\r\n"
      : "* BYE No required SSL certificate\r\n";
  }

  protected override failure(text: ByteString): ByteString {
    return `${this.#tag} NO ${text}\r\n`;
  }

  protected override challenge(base64: string): ByteString {
    return `+ ${base64}\r\n`;
  }

  protected override extra(): Pick<BackLogin, "tag" | "helo" | "esmtp" | "envelope"> {
    return { tag: this.#tag, helo: "", esmtp: false, envelope: null };
  }

  protected override command(): boolean {
    const item = this.reader.next(this.clientBuffer);
    if (item === null) return false;
    if (item.is === "literal") {
      this.say("+ OK\r\n");
      return true;
    }
    this.#tag = item.tag ?? "*";
    if (item.is === "long") this.tooLong();
    else if (item.is === "invalid") item.fatal ? this.finish(this.invalid()) : this.fault();
    else ImapFront.#commands[item.verb](this, item);
    return true;
  }

  #login(command: ImapCommand): void {
    const [user, password] = command.args;
    if (this.blocked || command.args.length !== 2 || user === "") return this.fault();
    this.submit("plain", user, new Secret(password));
  }

  #authenticate(command: ImapCommand): void {
    const [name, initial] = command.args;
    const mechanism = name && mechanismNamed(name, this.#words.settings.imap_auth, initial);
    if (this.blocked || !mechanism || command.args.length > 2) return this.fault();
    this.startSasl(mechanism, initial);
  }

  #capability(): ByteString {
    const { open, offer, only } = this.#words.capability;
    if (this.blocked) return only;
    return this.offersStartTls ? offer : open;
  }

  #completed(untagged: ByteString): void {
    this.say(`${untagged}${this.#tag} OK completed\r\n`);
  }
}
