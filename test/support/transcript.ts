/**
 * Transcripts: the readable spec of behaviour. A file holds cases; a case is a title, the settings of
 * one server in TOML, and a dialogue:
 *
 *     === LOGIN by literals
 *     protocol = "imap"
 *     ---
 *     S: * OK IMAP4 ready
 *     C: a LOGIN {4}
 *     S: + OK
 *     C: user pass
 *     A> Auth-User: user
 *     A< OK
 *     B< * OK hello
 *     B> a LOGIN "user" "pass"
 *     B< a OK done
 *     S: a OK done
 *
 * | line      | meaning                                                                            |
 * |-----------|------------------------------------------------------------------------------------|
 * | `C: text` | the client sends text and CR LF; neighbouring C lines leave in one write           |
 * | `C\| text` | the same without CR LF; `\r` `\n` `\0` `\\` `\xHH` are escapes in every line       |
 * | `S: text` | the client receives exactly this and CR LF; `S\|` without                          |
 * | `A> H: v` | the auth request has this header line; `A> !H` lacks it; `A> GET …` its first line  |
 * | `A< H: v` | the auth server answers these header lines; `A< OK` names the test's backend       |
 * | `A\| raw`  | the auth server answers these bytes instead                                        |
 * | `B< text` | the backend sends; `B\|` without CR LF                                              |
 * | `B> text` | the backend receives exactly this                                                  |
 * | `X: -eof` | X (C or B) sends FIN; `S: -eof` and `B> -eof` are the FIN that they must see       |
 * | `A< -eof`, `A< -hang` | the auth server closes without an answer, or never answers             |
 * | `B< -refuse` | nobody listens where the backend should be                                      |
 * | `TLS`     | the client upgrades                                                                |
 * | `T: 3s`   | time passes (skipped where time is real, see `tags`)                               |
 * | `L: text` | a log line has this in it; `L! text`: none has, up to here                         |
 * | `@ name`  | tags: `slow` needs a fake clock, `net` needs sockets                               |
 *
 * `$SALT` stands for the salt of this connection and `$SALT64` for its base64, once seen.
 */

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type ByteString, decode, encode } from "../../src/core/bytes.ts";
import { encodeBase64 } from "../../src/wire/sasl.ts";
import { ROOT } from "./source.ts";

export interface Transcript {
  readonly file: string;
  readonly title: string;
  readonly line: number;
  readonly tags: readonly string[];
  /** TOML of a server block; without `listen` and `auth_http`. */
  readonly settings: string;
  readonly steps: readonly Step[];
}

export interface Step {
  readonly line: number;
  readonly kind: string;
  readonly text: ByteString;
}

/** A world in which a transcript can be played. All waits are the stage's, bounded. */
export interface Stage {
  send(bytes: Uint8Array): Promise<void>;
  /** Exactly `size` bytes, or what came before FIN. */
  receive(size: number): Promise<ByteString>;
  sendEof(): Promise<void>;
  receiveEof(): Promise<void>;
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
  /** `host`, `port` for Auth-Server and Auth-Port. */
  readonly backend: { readonly host: string; readonly port: number };
  pass(ms: number): Promise<void>;
  /** All log text so far, waiting a little until `text` is in it. */
  log(text: string): Promise<string>;
  /** Bytes that came to the client, or the backend, beyond what the transcript says. */
  leftover(): Promise<ByteString>;
  close(): Promise<void>;
}

export function loadTranscripts(): Transcript[] {
  const folder = join(ROOT, "test/transcripts");
  return readdirSync(folder).filter((name) => name.endsWith(".txt")).sort().flatMap((name) =>
    parse(name, readFileSync(join(folder, name), "utf8"))
  );
}

function parse(file: string, text: string): Transcript[] {
  const found: { title: string; line: number; tags: string[]; head: string[]; steps: Step[] }[] =
    [];
  let body = false;
  for (const [i, line] of text.split("\n").entries()) {
    const current = found.at(-1);
    if (line.startsWith("=== ")) {
      found.push({ title: line.slice(4), line: i + 1, tags: [], head: [], steps: [] });
      body = false;
    } else if (!current || line.startsWith("#") || line.trim() === "") continue;
    else if (line.startsWith("@ ")) current.tags.push(...line.slice(2).split(" "));
    else if (line === "---") body = true;
    else if (!body) current.head.push(line);
    else current.steps.push(parseStep(file, i + 1, line));
  }
  return found.map(({ head, ...rest }) => ({ file, ...rest, settings: head.join("\n") }));
}

function parseStep(file: string, line: number, source: string): Step {
  if (source === "TLS") return { line, kind: "TLS", text: "" };
  const match = /^([CSABTL][:|<>!])(?: (.*))?$/.exec(source);
  if (!match) throw new Error(`${file}:${line}: not a transcript line: ${source}`);
  return { line, kind: match[1], text: unescape(match[2] ?? "") };
}

function unescape(text: string): ByteString {
  const bytes = decode(new TextEncoder().encode(text));
  return bytes.replace(/\\(?:x([0-9a-fA-F]{2})|(.))/g, (_, hex: string, char: string) => {
    if (hex) return String.fromCharCode(parseInt(hex, 16));
    const known: Record<string, string> = { r: "\r", n: "\n", "0": "\0", "\\": "\\", s: " " };
    return known[char] ?? `\\${char}`;
  });
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

class Player {
  readonly #steps: readonly Step[];
  readonly #stage: Stage;
  readonly #split: Split;
  readonly #variables: Map<string, string> = new Map();

  constructor(transcript: Transcript, stage: Stage, split: Split) {
    this.#steps = transcript.steps;
    this.#stage = stage;
    this.#split = split;
  }

  /** Performs the step at `at`, with the neighbours of its kind; returns how many that were. */
  async step(at: number): Promise<number> {
    const { kind, text } = this.#steps[at];
    if (text === "-eof" || text === "-hang" || text === "-refuse") {
      await this.#event(kind, text);
      return 1;
    }
    switch (kind) {
      case "C:":
      case "C|":
        return await this.#gather(at, /^C[:|]$/, (sent) => this.#send(sent));
      case "S:":
      case "S|":
        await this.#expect((size) => this.#stage.receive(size), kind === "S:", text);
        return 1;
      case "A>":
        return await this.#requested(at);
      case "A<":
        return await this.#gather(at, /^A<$/, (lines) => this.#respond(lines));
      case "A|":
        await this.#stage.respond(text);
        return 1;
      case "B<":
      case "B|":
        return await this.#gather(at, /^B[<|]$/, (sent) => this.#stage.backendSend(encode(sent)));
      case "B>":
        await this.#expect((size) => this.#stage.backendReceive(size), true, text);
        return 1;
      case "TLS":
        await this.#stage.secure();
        return 1;
      case "T:":
        await this.#stage.pass(milliseconds(text));
        return 1;
      case "L:":
        assert.ok((await this.#stage.log(text)).includes(text), `no log line has: ${text}`);
        return 1;
      case "L!":
        assert.ok(!(await this.#stage.log("")).includes(text), `a log line has: ${text}`);
        return 1;
    }
    throw new Error(`no such step: ${kind}`);
  }

  async #event(kind: string, text: ByteString): Promise<void> {
    switch (`${kind} ${text}`) {
      case "C: -eof":
        return await this.#stage.sendEof();
      case "S: -eof":
        return await this.#stage.receiveEof();
      case "A< -eof":
        return await this.#stage.dropRequest("eof");
      case "A< -hang":
        return await this.#stage.dropRequest("hang");
      case "B< -eof":
        return await this.#stage.backendSendEof();
      case "B> -eof":
        return await this.#stage.backendReceiveEof();
      case "B< -refuse":
        return await this.#stage.refuseBackend();
    }
    throw new Error(`no such event: ${kind} ${text}`);
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
      if (!kind.test(step.kind) || /^-(eof|hang|refuse)$/.test(step.text)) break;
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
    if (/\$SALT64/.test(text) && !this.#variables.has("SALT")) {
      return this.#learnChallenge(receive, text);
    }
    if (/\$SALT/.test(text) && !this.#variables.has("SALT")) return this.#learn(receive, text, end);
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
    const [before, after] = text.split("$SALT");
    const salt = line.slice(before.length, line.length - after.length - end.length);
    assert.match(salt, /^<\d+\.\d+@[^>]+>$/);
    assert.equal(line, before + salt + after + end);
    this.#variables.set("SALT", salt);
  }

  async #learnChallenge(
    receive: (size: number) => Promise<ByteString>,
    text: ByteString,
  ): Promise<void> {
    const line = await readLine(receive);
    const before = text.split("$SALT64")[0];
    const salt = atob(line.slice(before.length).trim());
    assert.match(salt, /^<\d+\.\d+@[^>]+>$/);
    this.#variables.set("SALT", salt);
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

  async #respond(text: ByteString): Promise<void> {
    const { host, port } = this.#stage.backend;
    const ok = `Auth-Status: OK\r\nAuth-Server: ${host}\r\nAuth-Port: ${port}\r\n`;
    const headers = text.replace(/^OK\r\n/m, ok)
      .replaceAll("$HOST", host).replaceAll("$PORT", String(port));
    await this.#stage.respond(`HTTP/1.0 200 OK\r\n${headers}\r\n`);
  }

  #fill(text: ByteString): ByteString {
    const salt = this.#variables.get("SALT") ?? "";
    return text.replaceAll("$SALT64", encodeBase64(salt)).replaceAll("$SALT", salt);
  }
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
