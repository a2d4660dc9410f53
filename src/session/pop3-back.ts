/** Logging in at a POP3 backend: USER and PASS (RFC 1939 section 7); the answer to PASS is the client's. */

import type { ByteString } from "../core/bytes.ts";
import { LINE_BREAKS, LoginBack } from "./back.ts";

export class Pop3Back extends LoginBack {
  protected override line(): void {
    if (!this.begins("+OK")) return this.unexpected();
    switch (this.phase) {
      case "greeting":
        return this.#sendUser();
      case "user":
        return this.say("pass", "sending password to upstream", this.#pass);
      case "pass":
        return this.ready(true);
    }
  }

  get #pass(): ByteString {
    return `PASS ${this.login.password!.reveal()}\r\n`;
  }

  #sendUser(): void {
    const { user } = this.login;
    const password = this.knownPassword();
    // Both go into lines of their own: a line break in them would be a command of the client's making.
    if (password === null || this.unsafe(user + password, LINE_BREAKS)) return;
    this.say("user", "sending user name to upstream", `USER ${user}\r\n`);
  }
}
