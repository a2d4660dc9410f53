/**
 * Introducing a client to an SMTP backend (RFC 5321): EHLO, then with `xclient on` Postfix's XCLIENT
 * and the client's own HELO or EHLO, then with `proxy_smtp_auth on` AUTH PLAIN (RFC 4954), or for an
 * unauthenticated client its MAIL and RCPT.
 *
 * XCLIENT values are xtext (RFC 3461 section 4).
 */

import { type ByteString, SP } from "../core/bytes.ts";
import { addressOf } from "../net/address.ts";
import { plainMessage } from "../wire/sasl.ts";
import { LINE_BREAKS, LoginBack, NULS } from "./back.ts";

const HYPHEN = 0x2d;

export class SmtpBack extends LoginBack {
  protected override line(): void {
    if (!this.#isReply()) return this.unexpected();
    // More lines of the same reply follow.
    if (this.byte(3) === HYPHEN) return;
    switch (this.phase) {
      case "greeting":
        return this.begins("220") ? this.#hello() : this.unexpected();
      case "hello":
        return this.begins("250") ? this.#xclient() : this.unexpected();
      case "xclient":
        return this.begins("220") || this.begins("250") ? this.#clientHello() : this.unexpected();
      case "client hello":
        return this.begins("250") ? this.#authenticate() : this.unexpected();
      case "auth":
        return this.begins("235") ? this.ready(false) : this.unexpected();
      case "mail":
        return this.begins("250") ? this.#rcpt() : this.unexpected();
      case "rcpt":
        // Any answer: a refused recipient is the client's business.
        return this.ready(true);
    }
  }

  /** Three digits, then a space, a hyphen or nothing (RFC 5321 section 4.2). */
  #isReply(): boolean {
    const behind = this.byte(3);
    return isDigit(this.byte(0)) && isDigit(this.byte(1)) && isDigit(this.byte(2)) &&
      (behind === SP || behind === HYPHEN || behind === -1);
  }

  #hello(): void {
    const { xclient, server_name } = this.settings;
    const { helo, envelope, peer } = this.login;
    const said = helo + peer.host + (envelope ? envelope.from + envelope.to : "");
    if (this.unsafe(said, LINE_BREAKS, "HELO, MAIL or RCPT")) return;
    const verb = xclient || this.login.esmtp ? "EHLO" : "HELO";
    this.say("hello", "sending HELO/EHLO to upstream", `${verb} ${server_name}\r\n`);
  }

  #xclient(): void {
    if (!this.settings.xclient) return this.#authenticate();
    const { peer, user } = this.login;
    const login = user === "" || this.settings.proxy_smtp_auth ? "" : ` LOGIN=${xtext(user)}`;
    const text = `XCLIENT ADDR=${
      xclientAddress(addressOf(peer.address))
    }${login} NAME=${peer.host}\r\n`;
    this.say("xclient", "sending XCLIENT to upstream", text);
  }

  #clientHello(): void {
    const { helo, esmtp } = this.login;
    if (helo === "") return this.#authenticate();
    const text = `${esmtp ? "EHLO" : "HELO"} ${helo}\r\n`;
    this.say("client hello", "sending client HELO/EHLO to upstream", text);
  }

  #authenticate(): void {
    const { method, user, envelope } = this.login;
    if (method === "none") {
      return this.say("mail", "sending MAIL FROM to upstream", `${envelope!.from}\r\n`);
    }
    if (!this.settings.proxy_smtp_auth) return this.ready(false);
    const password = this.knownPassword();
    // NUL separates the parts of the message: one inside a part would shift them.
    if (password === null || this.unsafe(user + password, NULS)) return;
    const text = `AUTH PLAIN ${plainMessage(user, password)}\r\n`;
    this.say("auth", "sending AUTH to upstream", text);
  }

  #rcpt(): void {
    this.say("rcpt", "sending RCPT TO to upstream", `${this.login.envelope!.to}\r\n`);
  }
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}

/** Postfix's form: IPv6 is marked, a unix client has no address. */
function xclientAddress(address: string): string {
  if (address === "unix:") return "[UNAVAILABLE]";
  return address.includes(":") ? `IPV6:${address}` : address;
}

function xtext(text: ByteString): string {
  // deno-lint-ignore no-control-regex
  return text.replace(/[\x00-\x20+=\x7f-\xff]/g, (char) => {
    return "+" + char.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0");
  });
}
