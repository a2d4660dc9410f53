/**
 * One connection of `probe` to a server: commands out, complete replies in, each with a deadline, and a
 * transcript of it all. A `Fault` says in one sentence what went wrong; it is the outcome of a probe, not
 * a failure of it.
 */

import { type ByteString, encode, printable, toDisplay } from "../core/bytes.ts";
import { NetError } from "../core/errors.ts";
import { PROBE_LEAVE_MS, PROBE_TRANSCRIPT } from "../core/limits.ts";
import { type Endpoint, formatEndpoint } from "../net/address.ts";
import type { Connection, Receiver, Runtime, TlsContext, TlsInfo } from "../net/ports.ts";
import { Reader } from "../wire/reader.ts";
import { type Client, type Command, MASK, type Reply } from "./clients/client.ts";

/** `->` and `<-`; `~>` and `<~` under TLS; `**` for what is no line of the dialogue. */
export interface TranscriptLine {
  readonly mark: "->" | "<-" | "~>" | "<~" | "**";
  readonly text: string;
}

export class Fault extends Error {
  override readonly name = "Fault";
  /** `unreachable`: there is nobody to talk to. `protocol`: there is, and it speaks otherwise. */
  readonly kind: "unreachable" | "timeout" | "closed" | "tls" | "protocol";
  /** What was said instead of a reply. */
  readonly said: ByteString | undefined;

  constructor(kind: Fault["kind"], message: string, said?: ByteString) {
    super(message);
    this.kind = kind;
    this.said = said;
  }
}

export interface TalkOptions {
  /** Milliseconds that each single wait may take. */
  readonly timeoutMs: number;
  readonly localAddress?: string;
  /** Spellings of secrets, which a server may repeat. */
  readonly secrets?: readonly ByteString[];
  readonly transcript?: TranscriptLine[];
}

export class Talk implements Receiver {
  readonly connection: Connection;
  readonly reader: Reader = new Reader();
  readonly #runtime: Runtime;
  readonly #options: TalkOptions;
  #opened = false;
  #fault: Fault | null = null;
  #wake: (() => void) | null = null;

  /** Rejects with a `Fault`. */
  static async connect(runtime: Runtime, to: Endpoint, options: TalkOptions): Promise<Talk> {
    const talk = new Talk(runtime, to, options);
    try {
      while (!talk.#opened) await talk.more(`connecting to ${formatEndpoint(to)}`);
      return talk;
    } catch (error) {
      talk.drop();
      throw error;
    }
  }

  private constructor(runtime: Runtime, to: Endpoint, options: TalkOptions) {
    this.#runtime = runtime;
    this.#options = options;
    const { localAddress } = options;
    this.connection = runtime.connect(to, localAddress === undefined ? {} : { localAddress }, this);
  }

  get secured(): boolean {
    return this.connection.tls !== null;
  }

  // --- the dialogue ---------------------------------------------------------------------------

  async ask(client: Client, command: Command): Promise<Reply> {
    this.send(command);
    return await this.reply(client, command);
  }

  send({ text, shown }: Command): void {
    this.note(this.secured ? "~>" : "->", display(shown));
    this.connection.write(encode(text));
  }

  /** `command` null: the greeting. */
  async reply(client: Client, command: Command | null): Promise<Reply> {
    const deadline = this.deadline();
    for (;;) {
      const found = client.read(this.reader, command);
      if (found?.is === "broken") {
        const said = display(this.#masked(found.text), 80);
        const message = `the server's reply is not ${client.protocol.toUpperCase()}: "${said}"`;
        throw new Fault("protocol", message, found.text);
      }
      if (found) return this.#noted(found);
      const doing = command ? `waiting for the reply to ${verb(command)}` : GREETING;
      await this.more(doing, deadline);
    }
  }

  #noted(reply: Reply): Reply {
    const lines = reply.lines.map((line) => this.#masked(line));
    for (const line of lines) this.note(this.secured ? "<~" : "<-", display(line));
    // A challenge is needed as it came; whatever is kept or shown is masked.
    return {
      is: reply.is,
      lines,
      text: reply.is === "more" ? reply.text : this.#masked(reply.text),
    };
  }

  #masked(line: ByteString): ByteString {
    const { secrets = [] } = this.#options;
    return secrets.reduce((text, secret) => text.replaceAll(secret, MASK), line);
  }

  note(mark: TranscriptLine["mark"], text: string): void {
    const { transcript } = this.#options;
    if (transcript && transcript.length < PROBE_TRANSCRIPT) transcript.push({ mark, text });
  }

  async startTls(context: TlsContext, serverName: string | undefined): Promise<TlsInfo> {
    const early = this.reader.rest();
    try {
      const handshake = this.connection.startTls(context, {
        pending: early,
        ...(serverName !== undefined && { serverName }),
      });
      const info = await this.#within(handshake, "shaking hands for TLS");
      this.note("**", `TLS: ${info.protocol}, ${info.cipher}`);
      return info;
    } catch (error) {
      if (!(error instanceof NetError)) throw error;
      const why = error.message.replace(/^TLS handshake failed: /, "");
      throw new Fault("tls", `the TLS handshake failed: ${why}`);
    }
  }

  /** When a wait that begins now has lasted long enough, however many bytes drip in meanwhile. */
  deadline(): number {
    return this.#runtime.clock.monotonic() + this.#options.timeoutMs;
  }

  /** Waits for bytes, or rejects with the `Fault` that came instead. */
  async more(doing: string, deadline: number = this.deadline()): Promise<void> {
    if (this.#fault) throw this.#fault;
    const woken = new Promise<void>((resolve) => this.#wake = resolve);
    await this.#within(woken, doing, deadline);
    // What came before the end is still to be read.
    if (this.#fault && this.reader.length === 0) throw this.#fault;
  }

  async #within<T>(work: Promise<T>, doing: string, deadline = this.deadline()): Promise<T> {
    const { timeoutMs } = this.#options;
    const left = Math.max(0, deadline - this.#runtime.clock.monotonic());
    return await new Promise<T>((resolve, reject) => {
      const timer = this.#runtime.clock.after(left, () => {
        reject(new Fault("timeout", `no answer within ${seconds(timeoutMs)} while ${doing}`));
        this.drop();
      });
      work.then(resolve, reject).finally(() => timer.cancel());
    });
  }

  /** Says a last thing, and waits a moment for the server to hang up. */
  async leave(bytes: Uint8Array): Promise<void> {
    if (this.#fault) return;
    this.connection.write(bytes);
    this.connection.end();
    await new Promise<void>((resolve) => {
      const timer = this.#runtime.clock.after(
        Math.min(PROBE_LEAVE_MS, this.#options.timeoutMs),
        resolve,
      );
      this.#wake = () => {
        if (!this.#fault) return;
        timer.cancel();
        resolve();
      };
    });
  }

  drop(): void {
    this.connection.destroy();
  }

  // --- receiver -------------------------------------------------------------------------------

  open(): void {
    this.#opened = true;
    this.#wake?.();
  }

  data(bytes: Uint8Array): void {
    this.reader.add(bytes);
    this.#wake?.();
  }

  drain(): void {}

  end(): void {
    this.#fault ??= new Fault("closed", "the server closed the connection");
    this.#wake?.();
  }

  close(error: NetError | null): void {
    if (!this.#opened) this.#fault ??= new Fault("unreachable", reason(error));
    else if (error) this.#fault ??= new Fault("closed", `the connection broke: ${reason(error)}`);
    this.end();
  }
}

const GREETING = "waiting for the greeting";

/** What a server said, on one line: its bytes are UTF-8 if anything. */
export function display(text: ByteString, limit?: number): string {
  return toDisplay(printable(text, limit));
}

function reason(error: NetError | null): string {
  if (!error) return "the connection was closed before it was open";
  const text = /^\(\d+: (.*)\)$/.exec(error.errno)?.[1] ?? error.message;
  // Of OpenSSL's messages the words are the last part.
  const words = /^error:[0-9a-f]+:[^:]*:[^:]*:(.+)$/i.exec(text)?.[1];
  return words?.replaceAll("_", " ").toLowerCase() ?? text;
}

function verb({ shown }: Command): string {
  return shown.replace(/^a\d+ /, "").split(" ")[0];
}

function seconds(ms: number): string {
  return `${ms / 1000} s`;
}
