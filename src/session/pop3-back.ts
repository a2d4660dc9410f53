/** Logging in at a POP3 backend: USER and PASS (RFC 1939 section 7); the answer to PASS is the client's. */

import type { ByteString } from "../core/bytes.ts";
import { LINE_BREAKS, LoginBack } from "./back.ts";

export class Pop3Back extends LoginBack {
  protected override line(text: ByteString): void {
    if (!/^\+OK/i.test(text)) return this.unexpected();
    const { user, password } = this.login;
    switch (this.phase) {
      case "greeting":
        // Both go into lines of their own: a line break in them would be a command of the client's making.
        if (this.unsafe(user + password!.reveal(), LINE_BREAKS)) return;
        return this.say("user", "sending user name to upstream", `USER ${user}\r\n`);
      case "user":
        return this.say("pass", "sending password to upstream", `PASS ${password!.reveal()}\r\n`);
      case "pass":
        return this.ready(true);
    }
  }
}
