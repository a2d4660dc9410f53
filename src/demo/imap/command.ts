/** What an IMAP command handler is given, and what it gives back. */

import type { Mailbox } from "../mailbox.ts";
import type { Output } from "./print.ts";
import type { Scanner } from "./scanner.ts";
import type { View } from "./view.ts";

/** The session, as far as handlers see it. */
export interface Session {
  readonly mailbox: Mailbox;
  /** The selected folder. */
  readonly view: View | null;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** The tagged response without its tag: `OK NOOP completed`. */
export type Result = string;

/** Untagged responses one by one, then the result. */
export type Answer = Generator<Output, Result>;

/** A command that needs a login. */
export type Handler = (session: Session, args: Scanner) => Answer | Result;

/** A command on the folder that is selected; `byUid` when `UID` stands before it. */
export type SelectedHandler = (
  view: View,
  args: Scanner,
  byUid: boolean,
  session: Session,
) => Answer | Result;

/** The command is well-formed and cannot be done: answered with NO. */
export class Refusal extends Error {
  override readonly name = "Refusal";

  /** `text` may begin with a response code in brackets (RFC 5530). */
  constructor(text: string) {
    super(text);
  }
}
