/**
 * Talks to one conversation of a demo backend without a socket, in scripts that read like the protocol:
 *
 *     C: a NOOP
 *     S: a OK NOOP completed
 *
 * `C:` lines are sent together with CR LF; every line that comes back must stand behind an `S:`, where
 * `[...]` stands for anything. `C-` sends a line without its line end (before a literal, say).
 */

import assert from "node:assert/strict";
import { concat, decode, encode } from "../../../src/core/bytes.ts";
import { Input } from "../../../src/demo/input.ts";
import type { Conversation, Outlet } from "../../../src/demo/server.ts";

export class Talk implements Outlet {
  readonly input: Input = new Input();
  readonly conversation: Conversation;
  finished = false;
  woken = false;
  #sent: Uint8Array[] = [];

  constructor(make: (outlet: Outlet) => Conversation) {
    this.conversation = make(this);
    this.conversation.greet();
  }

  send(output: string | Uint8Array): void {
    if (!this.finished) this.#sent.push(typeof output === "string" ? encode(output) : output);
  }

  finish(): void {
    this.finished = true;
  }

  wake(): void {
    this.woken = true;
  }

  /** Feeds bytes and gives back what was said since the last time. */
  say(bytes: string | Uint8Array = ""): string {
    this.input.add(typeof bytes === "string" ? encode(bytes) : bytes);
    while (!this.finished && this.conversation.step(this.input));
    return this.heard();
  }

  /** What was said since the last time. */
  heard(): string {
    const said = concat(this.#sent);
    this.#sent = [];
    return decode(said);
  }

  /** Plays a script; the greeting must have been heard. */
  play(script: string): void {
    let due: string[] = [];
    let toSend = "";
    const hear = () => {
      if (toSend === "") return;
      assert.deepEqual(due, [], "the server said more than the script");
      due = lines(this.say(toSend));
      toSend = "";
    };
    for (const line of script.split("\n").map((text) => text.trimStart())) {
      if (line.startsWith("C: ") || line === "C:") {
        if (due.length > 0) assert.deepEqual(due, [], "the server said more than the script");
        toSend += line.slice(3) + "\r\n";
      } else if (line.startsWith("C- ")) toSend += line.slice(3);
      else if (line.startsWith("S:")) {
        hear();
        assertLine(due.shift(), line.slice(3));
      } else assert.equal(line, "", "not a line of a script");
    }
    hear();
    assert.deepEqual(due, [], "the server said more than the script");
  }
}

function lines(said: string): string[] {
  return said === "" ? [] : said.replace(/\r\n$/, "").split("\r\n");
}

function assertLine(line: string | undefined, expected: string): void {
  assert.notEqual(line, undefined, `the server did not say: ${expected}`);
  const parts = expected.split("[...]").map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  if (!new RegExp(`^${parts.join(".*")}$`, "s").test(line!)) assert.equal(line, expected);
}

/** All of what a conversation says to bytes that come in pieces of the given sizes, over and over. */
export function inPieces(
  make: (outlet: Outlet) => Conversation,
  bytes: Uint8Array,
  sizes: readonly number[],
): string {
  const talk = new Talk(make);
  let said = talk.heard();
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const size = Math.max(1, sizes[i % sizes.length]);
    said += talk.say(bytes.slice(at, at + size));
    at += size;
  }
  return said;
}
