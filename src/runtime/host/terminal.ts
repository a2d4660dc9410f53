/**
 * Asking for a secret on the terminal: raw mode, so nothing typed is shown. It asks the controlling
 * terminal itself, so that standard input may be a pipe and standard output a file.
 *
 * Under Bun a terminal that was read keeps the process alive: commands end by `exit`.
 */

import { openSync, writeSync } from "node:fs";
import process from "node:process";
import { ReadStream } from "node:tty";

/** What a shell reports for a command that Ctrl-C ended. */
const INTERRUPTED = 130;

interface Terminal {
  readonly input: ReadStream;
  show(text: string): void;
  release(): void;
}

/** Null when the process has no terminal. `exit` is called on Ctrl-C, the terminal restored first. */
export function askSecret(prompt: string, exit: (code: number) => never): Promise<string | null> {
  const terminal = controllingTerminal() ?? standardInput();
  if (!terminal) return Promise.resolve(null);
  return new Promise((resolve) => {
    const line = new SecretLine();
    let over = false;
    const finish = (answer: string | null) => {
      if (over) return;
      over = true;
      terminal.input.off("data", read);
      terminal.show("\n");
      terminal.input.setRawMode(false);
      terminal.release();
      resolve(answer);
    };
    const read = (keys: Uint8Array) => {
      const state = line.type(keys);
      if (state === "more") return;
      finish(line.text);
      if (state === "interrupted") exit(INTERRUPTED);
    };
    terminal.input.once("error", () => finish(null));
    terminal.input.once("end", () => finish(null));
    terminal.input.setRawMode(true);
    terminal.show(prompt);
    terminal.input.on("data", read);
    terminal.input.resume();
  });
}

function controllingTerminal(): Terminal | null {
  try {
    const descriptor = openSync("/dev/tty", "r+");
    const input = new ReadStream(descriptor);
    return {
      input,
      show: (text) => void writeSync(descriptor, text),
      release: () => void input.destroy(),
    };
  } catch {
    return null;
  }
}

function standardInput(): Terminal | null {
  const input = process.stdin;
  if (!input.isTTY) return null;
  return {
    input,
    show: (text) => void writeSync(2, text),
    release: () => void input.pause(),
  };
}

/** Line editing for one hidden line: what the terminal driver would do, had it not been told to stop. */
export class SecretLine {
  readonly #bytes: number[] = [];

  /** Takes keys until the line is done. Bytes after its end are dropped: they were typed ahead. */
  type(keys: Uint8Array): "more" | "done" | "interrupted" {
    for (const key of keys) {
      if (key === 0x03) return "interrupted";
      if (key === 0x0d || key === 0x0a || key === 0x04) return "done";
      if (key === 0x7f || key === 0x08) this.#rubOut();
      else if (key === 0x15) this.#bytes.length = 0;
      else if (key >= 0x20) this.#bytes.push(key);
    }
    return "more";
  }

  get text(): string {
    return new TextDecoder().decode(Uint8Array.from(this.#bytes));
  }

  /** Removes one UTF-8 character: its continuation bytes, then its first. */
  #rubOut(): void {
    let byte = this.#bytes.pop();
    while (byte !== undefined && (byte & 0xc0) === 0x80) byte = this.#bytes.pop();
  }
}
