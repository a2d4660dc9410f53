/** Plays a transcript on a stage: sends what it sends, and holds what comes against what it says. */

import assert from "node:assert/strict";
import { type ByteString, encode } from "../../src/core/bytes.ts";
import type { TlsInfo } from "../../src/net/ports.ts";
import { encodeBase64 } from "../../src/wire/sasl.ts";
import type { Step, Transcript } from "./transcript.ts";

/** A world in which a transcript can be played. All waits are the stage's, bounded. */
export interface Stage {
  send(bytes: Uint8Array): Promise<void>;
  /** Exactly `size` bytes, or what came before FIN. */
  receive(size: number): Promise<ByteString>;
  sendEof(): Promise<void>;
  receiveEof(): Promise<void>;
  /** FIN, or a reset. */
  receiveEnd(): Promise<void>;
  secure(): Promise<void>;
  /** The next auth request, up to its blank line. */
  request(): Promise<ByteString>;
  respond(raw: ByteString): Promise<void>;
  /** The auth server closes, or does not answer. */
  dropRequest(how: "eof" | "hang"): Promise<void>;
  backendSend(bytes: Uint8Array): Promise<void>;
  backendReceive(size: number): Promise<ByteString>;
  backendSendEof(): Promise<void>;
  backendReceiveEof(): Promise<void>;
  refuseBackend(): Promise<void>;
  refuseAuth(): Promise<void>;
  /** Everything listens on this address. */
  readonly host: string;
  readonly ports: Readonly<Record<"backend" | "auth" | "listen" | "client", number>>;
  /** As the client sees it. */
  readonly tls: Pick<TlsInfo, "protocol" | "cipher"> | null;
  pass(ms: number): Promise<void>;
  /** All log text so far, waiting a little until `wanted` holds of it. */
  log(wanted: (text: string) => boolean): Promise<string>;
  /** Bytes that came to the client, or the backend, beyond what the transcript says. */
  leftover(): Promise<ByteString>;
  close(): Promise<void>;
}

/** How the client's writes are cut up. */
export type Split = "whole" | "bytes" | number;

/** Plays a transcript; throws an AssertionError that names file and line. */
export async function play(transcript: Transcript, stage: Stage, split: Split): Promise<void> {
  const player = new Player(transcript, stage, split);
  let step = transcript.steps[0];
  try {
    for (let at = 0; at < transcript.steps.length;) {
      step = transcript.steps[at];
      at += await player.step(at);
    }
    assert.equal(await stage.leftover(), "", "bytes that the transcript does not know of");
  } catch (error) {
    const place = `${transcript.file}:${step.line} (${transcript.title})`;
    throw new Error(`${place}: ${(error as Error).message}`, { cause: error });
  } finally {
    await stage.close();
  }
}

const EVENT = /^-(eof|gone|hang|refuse)$/;

class Player {
  readonly #steps: readonly Step[];
  readonly #stage: Stage;
  readonly #split: Split;
  #salt = "";

  constructor(transcript: Transcript, stage: Stage, split: Split) {
    this.#steps = transcript.steps;
    this.#stage = stage;
    this.#split = split;
  }

  /** Performs the step at `at`, with the neighbours of its kind; returns how many that were. */
  async step(at: number): Promise<number> {
    const { kind, text } = this.#steps[at];
    if (EVENT.test(text)) {
      await this.#event(`${kind} ${text}`);
      return 1;
    }
    switch (kind) {
      case "C:":
      case "C|":
        return await this.#gather(at, /^C[:|]$/, (sent) => this.#send(sent));
      case "A>":
        return await this.#requested(at);
      case "A=":
        return await this.#requestedExactly(at);
      case "A<":
        return await this.#gather(at, /^A<$/, (lines) => this.#respond(lines));
      case "B<":
      case "B|":
        return await this.#gather(at, /^B[<|]$/, (sent) => this.#stage.backendSend(encode(sent)));
    }
    await this.#single(kind, text);
    return 1;
  }

  async #single(kind: string, text: ByteString): Promise<void> {
    const stage = this.#stage;
    switch (kind) {
      case "S:":
      case "S|":
        return await this.#expect((size) => stage.receive(size), kind === "S:", text);
      case "A|":
        return await stage.respond(text);
      case "B>":
        return await this.#expect((size) => stage.backendReceive(size), true, text);
      case "TLS":
        return await stage.secure();
      case "T:":
        return await stage.pass(milliseconds(text));
      case "L:":
        return await this.#logged(this.#fill(text), (log, wanted) => log.includes(wanted));
      case "L=":
        return await this.#logged(this.#fill(text), (log, wanted) => events(log).includes(wanted));
      case "L!": {
        const log = await stage.log(() => true);
        return assert.ok(!log.includes(this.#fill(text)), `a log line has: ${text}`);
      }
    }
    throw new Error(`no such step: ${kind}`);
  }

  async #event(event: string): Promise<void> {
    switch (event) {
      case "C: -eof":
        return await this.#stage.sendEof();
      case "S: -eof":
        return await this.#stage.receiveEof();
      case "S: -gone":
        return await this.#stage.receiveEnd();
      case "A< -eof":
        return await this.#stage.dropRequest("eof");
      case "A< -refuse":
        return await this.#stage.refuseAuth();
      case "A< -hang":
        return await this.#stage.dropRequest("hang");
      case "B< -eof":
        return await this.#stage.backendSendEof();
      case "B> -eof":
        return await this.#stage.backendReceiveEof();
      case "B< -refuse":
        return await this.#stage.refuseBackend();
    }
    throw new Error(`no such event: ${event}`);
  }

  async #gather(
    at: number,
    kind: RegExp,
    run: (text: ByteString) => Promise<void>,
  ): Promise<number> {
    let count = 0;
    let whole = "";
    for (; at + count < this.#steps.length; count++) {
      const step = this.#steps[at + count];
      if (!kind.test(step.kind) || EVENT.test(step.text)) break;
      whole += this.#fill(step.text) + (step.kind.endsWith("|") ? "" : "\r\n");
    }
    await run(whole);
    return count;
  }

  async #send(text: ByteString): Promise<void> {
    const bytes = encode(text);
    for (const part of pieces(bytes, this.#split)) await this.#stage.send(part);
  }

  async #expect(
    receive: (size: number) => Promise<ByteString>,
    lineEnd: boolean,
    text: ByteString,
  ): Promise<void> {
    const end = lineEnd ? "\r\n" : "";
    if (/\$SALT/.test(text) && this.#salt === "") return await this.#learn(receive, text, end);
    const wanted = this.#fill(text) + end;
    assert.equal(await receive(wanted.length), wanted);
  }

  /** The salt has no fixed length: read up to the line end that follows it. */
  async #learn(
    receive: (size: number) => Promise<ByteString>,
    text: ByteString,
    end: string,
  ): Promise<void> {
    const line = await readLine(receive);
    const [before, after] = text.split(/\$SALT(?:64)?/);
    const shown = line.slice(before.length, line.length - after.length - end.length);
    this.#salt = text.includes("$SALT64") ? atob(shown) : shown;
    assert.match(this.#salt, /^<\d+\.\d+@[^>]+>$/);
    assert.equal(line, before + shown + after + end);
  }

  async #requested(at: number): Promise<number> {
    const request = await this.#stage.request();
    const lines = request.split("\r\n");
    let count = 0;
    for (; this.#steps[at + count]?.kind === "A>"; count++) {
      const wanted = this.#fill(this.#steps[at + count].text);
      if (wanted.startsWith("!")) {
        const header = wanted.slice(1) + ":";
        assert.ok(!lines.some((line) => line.startsWith(header)), `request has ${header}`);
      } else {
        const shown = lines.filter((line) => !line.startsWith("Auth-Pass")).join(" | ");
        assert.ok(lines.includes(wanted), `request lacks "${wanted}": ${shown}`);
      }
    }
    return count;
  }

  async #requestedExactly(at: number): Promise<number> {
    const request = await this.#stage.request();
    let wanted = "";
    let count = 0;
    for (; this.#steps[at + count]?.kind === "A="; count++) {
      wanted += this.#fill(this.#steps[at + count].text) + "\r\n";
    }
    assert.equal(request.replace(/(\r\n)+$/, "\r\n"), wanted);
    return count;
  }

  async #respond(text: ByteString): Promise<void> {
    const { host, ports } = this.#stage;
    const ok = `Auth-Status: OK\r\nAuth-Server: ${host}\r\nAuth-Port: ${ports.backend}\r\n`;
    await this.#stage.respond(`HTTP/1.0 200 OK\r\n${text.replace(/^OK\r\n/m, ok)}\r\n`);
  }

  async #logged(
    wanted: string,
    holds: (log: string, wanted: string) => boolean,
  ): Promise<void> {
    const log = await this.#stage.log((text) => holds(text, wanted));
    assert.ok(holds(log, wanted), `no log line ${wanted}\nin:\n${events(log).join("\n")}`);
  }

  #fill(text: ByteString): ByteString {
    if (!text.includes("$")) return text;
    const { host, ports, tls } = this.#stage;
    return text
      .replaceAll("$SALT64", encodeBase64(this.#salt)).replaceAll("$SALT", this.#salt)
      .replaceAll("$HOST", host).replaceAll("$PORT", `${ports.backend}`)
      .replaceAll("$AUTH", `${ports.auth}`).replaceAll("$LISTEN", `${ports.listen}`)
      .replaceAll("$CLIENT", `${ports.client}`)
      .replaceAll("$PROTOCOL", tls?.protocol ?? "").replaceAll("$CIPHER", tls?.cipher ?? "");
  }
}

/** Log lines from their level on, without pid and connection number. */
function events(log: string): string[] {
  return log.split("\n").filter((line) => line.includes("[")).map((line) =>
    line.replace(/^.*?(\[[a-z]+\]) \d+#\d+: (?:\*\d+ )?/, "$1 ")
  );
}

async function readLine(receive: (size: number) => Promise<ByteString>): Promise<ByteString> {
  let line = "";
  while (!line.endsWith("\r\n")) {
    const byte = await receive(1);
    if (byte === "") break;
    line += byte;
  }
  return line;
}

export function pieces(bytes: Uint8Array, split: Split): Uint8Array[] {
  if (split === "whole" || bytes.length < 2) return [bytes];
  if (split === "bytes") return Array.from(bytes, (byte) => Uint8Array.of(byte));
  const at = Math.min(split, bytes.length - 1);
  return [bytes.subarray(0, at), bytes.subarray(at)];
}

function milliseconds(text: string): number {
  const match = /^(\d+)(ms|s|m|h)$/.exec(text);
  if (!match) throw new Error(`not a duration: ${text}`);
  return Number(match[1]) * { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }[match[2] as "ms"]!;
}
