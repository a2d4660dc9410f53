/**
 * Logging in at an IMAP backend (RFC 3501): LOGIN under the client's own tag, so that the backend's
 * answer, untagged lines included, can be given to the client as it is.
 *
 * Plain words go as quoted strings in one line, one round trip. Anything else goes in synchronising
 * literals, which every server takes and which carry any byte but NUL.
 */

import type { ByteString } from "../core/bytes.ts";
import { LoginBack, NULS } from "./back.ts";

/** What a quoted string may hold without escapes. */
const QUOTABLE = /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/;
const GREETING = "* OK";

export class ImapBack extends LoginBack {
  protected override line(text: ByteString): void {
    switch (this.phase) {
      case "greeting":
        return text.startsWith(GREETING) ? this.#login() : this.unexpected();
      case "user literal":
        return text.startsWith("+") ? this.#sendUser() : this.#refused(text);
      case "password literal":
        return text.startsWith("+") ? this.#sendPassword() : this.#refused(text);
      case "login":
        return text.startsWith(`${this.login.tag} OK`) ? this.ready(true) : this.#refused(text);
    }
  }

  #login(): void {
    const { tag, user } = this.login;
    const doing = "sending LOGIN command to upstream";
    const password = this.knownPassword();
    if (password === null || this.unsafe(user + password, NULS)) return;
    if (QUOTABLE.test(user) && QUOTABLE.test(password)) {
      return this.say("login", doing, `${tag} LOGIN "${user}" "${password}"\r\n`);
    }
    this.say("user literal", doing, `${tag} LOGIN {${user.length}}\r\n`);
  }

  #sendUser(): void {
    const { user } = this.login;
    const text = `${user} {${this.login.password!.length}}\r\n`;
    this.say("password literal", "sending user name to upstream", text);
  }

  #sendPassword(): void {
    this.say("login", "sending password to upstream", `${this.login.password!.reveal()}\r\n`);
  }

  /** Untagged lines may come before a prompt or a refusal; of this, the log shows what it says. */
  #refused(text: ByteString): void {
    if (text.startsWith("* ")) return;
    const tagged = `${this.login.tag} `;
    this.unexpected(text.startsWith(tagged) ? text.slice(tagged.length) : undefined);
  }
}
