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

export class ImapBack extends LoginBack {
  protected override line(): void {
    switch (this.phase) {
      case "greeting":
        return this.begins("* OK") ? this.#login() : this.unexpected();
      case "user literal":
        return this.begins("+") ? this.#sendUser() : this.#refused();
      case "password literal":
        return this.begins("+") ? this.#sendPassword() : this.#refused();
      case "login":
        return this.#tagged(" OK") ? this.ready(true) : this.#refused();
    }
  }

  /** Whether it is the answer to our command and `text` follows the tag. */
  #tagged(text: ByteString): boolean {
    const { tag } = this.login;
    return this.begins(tag) && this.begins(text, tag.length);
  }

  #login(): void {
    const { tag, user } = this.login;
    const doing = "sending LOGIN command to upstream";
    const password = this.knownPassword();
    if (password === null) return;
    if (QUOTABLE.test(user) && QUOTABLE.test(password)) {
      return this.say("login", doing, `${tag} LOGIN "${user}" "${password}"\r\n`);
    }
    if (this.unsafe(user + password, NULS)) return;
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
  #refused(): void {
    if (this.begins("* ")) return;
    this.unexpected(this.#tagged(" ") ? this.said.slice(this.login.tag.length + 1) : undefined);
  }
}
