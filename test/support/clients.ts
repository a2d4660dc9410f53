/**
 * Mail clients as the tests use them: programs run to their end, and a bare line client for what no
 * program would send.
 */

import { Buffer } from "node:buffer";
import { spawn } from "node:child_process";
import { connect as connectTcp, type Socket } from "node:net";
import process from "node:process";
import { connect as connectTls, type TLSSocket } from "node:tls";

const PROGRAM_MS = 30_000;
const LINE_MS = 15_000;

export interface Outcome {
  /** Null when it was ended by a signal. */
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Runs a client program; `input` is its standard input. Never throws for an exit code. */
export function run(
  command: string,
  args: readonly string[],
  input: string | Uint8Array = "",
): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, [...args], {
      timeout: PROGRAM_MS,
      // No start-up files: a test must not depend on who runs it.
      env: { ...process.env, HOME: "/nonexistent", LC_ALL: "C" },
    });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout.on("data", (bytes) => out.push(bytes));
    child.stderr.on("data", (bytes) => err.push(bytes));
    child.stdin.on("error", () => {});
    child.stdin.end(input);
    child.once("error", reject);
    child.once("close", (code) => {
      const text = (parts: Buffer[]) => Buffer.concat(parts).toString("latin1");
      resolve({ code, out: text(out), err: text(err) });
    });
  });
}

/** One line at a time over TCP or TLS. Text is Latin-1: one character a byte. */
export class LineClient {
  #socket: Socket;
  #unread = "";
  #ended = false;
  #error: Error | null = null;
  #wake: () => void = () => {};
  /** Everything said and heard, for the message of a failing test. */
  readonly transcript: string[] = [];

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.#attach(socket);
  }

  /** Connected, and the greeting not yet read. `port` may be the path of a unix socket. */
  static connect(port: number | string, host = "127.0.0.1"): Promise<LineClient> {
    return new Promise((resolve, reject) => {
      const socket = typeof port === "string" ? connectTcp(port) : connectTcp(port, host);
      socket.once("error", reject);
      socket.once("connect", () => {
        socket.off("error", reject);
        resolve(new LineClient(socket));
      });
    });
  }

  /** The port that it talks from. */
  get port(): number {
    return this.#socket.localPort ?? 0;
  }

  send(line: string): void {
    this.transcript.push(`C: ${line}`);
    this.#socket.write(`${line}\r\n`, "latin1");
  }

  sendRaw(bytes: string | Uint8Array): void {
    this.#socket.write(typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes);
  }

  /** Stops reading, as a client whose line is down. */
  pause(): void {
    this.#socket.pause();
  }

  /** Sends FIN and goes on reading. */
  end(): void {
    this.#socket.end();
  }

  /** The next line without its line end. */
  async line(ms = LINE_MS): Promise<string> {
    await this.#until(() => this.#unread.includes("\n"), "a line", ms);
    const end = this.#unread.indexOf("\n");
    const line = this.#unread.slice(0, end).replace(/\r$/, "");
    this.#unread = this.#unread.slice(end + 1);
    this.transcript.push(`S: ${line}`);
    return line;
  }

  /** Reads lines up to and with the first that matches. */
  async lines(last: RegExp, ms = LINE_MS): Promise<string[]> {
    const lines: string[] = [];
    do lines.push(await this.line(ms)); while (!last.test(lines.at(-1)!));
    return lines;
  }

  /** Sends a line and reads the next one. */
  async ask(line: string): Promise<string> {
    this.send(line);
    return await this.line();
  }

  /** Exactly this many bytes. */
  async bytes(count: number, ms = PROGRAM_MS): Promise<string> {
    await this.#until(() => this.#unread.length >= count, `${count} bytes`, ms);
    const bytes = this.#unread.slice(0, count);
    this.#unread = this.#unread.slice(count);
    return bytes;
  }

  /** What came before the server closed; a reset is a close too. */
  async closed(ms = LINE_MS): Promise<string> {
    await this.#until(() => this.#ended, "the server to close", ms, true);
    const rest = this.#unread;
    this.#unread = "";
    return rest;
  }

  /** Whether nothing is there to be read. */
  get silent(): boolean {
    return this.#unread === "" && !this.#ended;
  }

  /** Trusts `ca` and shows a certificate of its own when it has one; all PEM. */
  async startTls(ca?: string, own?: { certificate: string; key: string }): Promise<TLSSocket> {
    const plain = this.#socket;
    plain.removeAllListeners("data");
    plain.removeAllListeners("end");
    const identity = own && { cert: own.certificate, key: own.key };
    const socket = connectTls({ socket: plain, ca, servername: "localhost", ...identity });
    await new Promise<void>((resolve, reject) => {
      socket.once("secureConnect", resolve);
      socket.once("error", reject);
    });
    this.#socket = socket;
    this.#attach(socket);
    this.transcript.push("-- TLS --");
    return socket;
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }

  #attach(socket: Socket): void {
    socket.setNoDelay(true);
    socket.on("data", (bytes: Buffer) => {
      this.#unread += bytes.toString("latin1");
      this.#wake();
    });
    const end = (error: Error | null) => {
      this.#ended = true;
      this.#error ??= error;
      this.#wake();
    };
    socket.on("end", () => end(null));
    socket.on("close", () => end(null));
    socket.on("error", end);
  }

  async #until(ready: () => boolean, what: string, ms: number, ended = false): Promise<void> {
    const deadline = Date.now() + ms;
    while (!ready()) {
      if (this.#ended && !ended) throw this.#failure(`The server closed before ${what}`);
      const left = deadline - Date.now();
      if (left <= 0) throw this.#failure(`Waited ${ms} ms for ${what}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  #failure(message: string): Error {
    const heard = [...this.transcript, `S: ${this.#unread}`].join("\n");
    return new Error(`${message}${this.#error ? ` (${this.#error.message})` : ""}:\n${heard}`);
  }
}
