/**
 * The parts of a runtime that logs and commands touch, in memory: a clock that the test turns, files,
 * a process with a terminal, and datagrams. Sockets and TLS are not here.
 */

import { decode, encode } from "../../../src/core/bytes.ts";
import { FileError, NetError } from "../../../src/core/errors.ts";
import type { Endpoint } from "../../../src/net/address.ts";
import type {
  Appender,
  Clock,
  Datagram,
  Files,
  Host,
  Runtime,
  Signal,
} from "../../../src/net/ports.ts";

/** Local time, so that expected stamps hold in every time zone. */
export const NOON: number = new Date(2026, 7, 5, 12, 34, 56).getTime();

export class FakeClock implements Clock {
  ms = NOON;
  readonly due: { at: number; run: () => void }[] = [];

  now(): number {
    return this.ms;
  }

  monotonic(): number {
    return this.ms;
  }

  after(ms: number, run: () => void): { cancel(): void } {
    const entry = { at: this.ms + ms, run };
    this.due.push(entry);
    return {
      cancel: () => {
        const at = this.due.indexOf(entry);
        if (at >= 0) this.due.splice(at, 1);
      },
    };
  }

  /** Lets `ms` pass; 0 is the end of the event-loop turn. */
  turn(ms = 0): void {
    this.ms += ms;
    const ready = this.due.filter((entry) => entry.at <= this.ms);
    for (const entry of ready) {
      this.due.splice(this.due.indexOf(entry), 1);
      entry.run();
    }
  }
}

export class FakeFiles implements Files {
  readonly contents = new Map<string, string>();
  /** Path to errno name: every operation on the path fails with it. */
  readonly faults = new Map<string, string>();
  /** Every write to an appender, one entry a system call. */
  readonly writes: { path: string; text: string }[] = [];
  readonly modes = new Map<string, number>();
  /** Of every file, for `stat`. */
  modified: number | undefined;
  reopened = 0;
  open = 0;

  constructor(contents: Readonly<Record<string, string>> = {}) {
    for (const [path, text] of Object.entries(contents)) this.contents.set(path, text);
  }

  check(path: string): void {
    const code = this.faults.get(path);
    if (code) throw new FileError(code, path);
  }

  readText(path: string): string {
    this.check(path);
    const text = this.contents.get(path);
    if (text === undefined) throw new FileError("ENOENT", path);
    return text;
  }

  read(path: string): Uint8Array {
    return new TextEncoder().encode(this.readText(path));
  }

  write(path: string, text: string, options: { mode?: number; exclusive?: boolean } = {}): void {
    this.check(path);
    if (options.exclusive && this.contents.has(path)) throw new FileError("EEXIST", path);
    this.contents.set(path, text);
    if (options.mode !== undefined) this.modes.set(path, options.mode);
  }

  remove(path: string): void {
    this.check(path);
    if (!this.contents.delete(path)) throw new FileError("ENOENT", path);
  }

  exists(path: string): boolean {
    return this.contents.has(path);
  }

  list(): readonly string[] {
    return [];
  }

  stat(path: string): ReturnType<Files["stat"]> {
    const { modified } = this;
    return { mode: 0o600, size: this.readText(path).length, directory: false, modified };
  }

  append(path: string): Appender {
    this.check(path);
    this.open++;
    return {
      write: (bytes) => {
        this.check(path);
        const text = decode(bytes);
        this.writes.push({ path, text });
        this.contents.set(path, (this.contents.get(path) ?? "") + text);
      },
      reopen: () => {
        this.check(path);
        this.reopened++;
      },
      close: () => {
        this.open--;
      },
    };
  }
}

/** What `exit` throws, so that nothing after it runs. */
export class Exited extends Error {
  readonly code: number;

  constructor(code: number) {
    super(`exit ${code}`);
    this.code = code;
  }
}

export class FakeHost implements Host {
  argv: readonly string[] = [];
  readonly pid = 4711;
  readonly hostname = "MX1";
  readonly cwd = "/home/post master";
  columns = 80;
  out = "";
  err = "";
  /** Writes to standard error, one entry a call. */
  readonly errWrites: string[] = [];
  readonly variables = new Map<string, string>();
  readonly terminals = new Set<"stdin" | "stdout" | "stderr">();
  readonly handlers = new Map<Signal, () => void>();
  readonly users: string[] = [];
  running?: Host["running"];
  input = "";
  exitCode: number | null = null;

  env(name: string): string | undefined {
    return this.variables.get(name);
  }

  isTerminal(stream: "stdin" | "stdout" | "stderr"): boolean {
    return this.terminals.has(stream);
  }

  writeOut(text: string): void {
    this.out += text;
  }

  writeErr(text: string): void {
    this.err += text;
    this.errWrites.push(text);
  }

  readIn(): Promise<Uint8Array> {
    return Promise.resolve(new TextEncoder().encode(this.input));
  }

  askSecret(): Promise<string | null> {
    return Promise.resolve(null);
  }

  onSignal(signal: Signal, run: () => void): void {
    this.handlers.set(signal, run);
  }

  /** Delivers a signal, as the kernel would. */
  signal(signal: Signal): void {
    this.handlers.get(signal)?.();
  }

  exit(code: number): never {
    this.exitCode = code;
    throw new Exited(code);
  }

  lookup(name: string): Promise<readonly string[]> {
    return Promise.reject(new NetError("ENOTFOUND", `Cannot resolve ${name}: no such host`));
  }

  openFiles(): number | null {
    return null;
  }

  setUser(user: string, group: string | undefined): void {
    this.users.push(group ? `${user}:${group}` : user);
  }
}

export class FakeDatagram implements Datagram {
  readonly sent: { text: string; to: Endpoint }[] = [];
  closed = false;
  receive = (): void => {};

  send(bytes: Uint8Array, to: Endpoint): void {
    this.sent.push({ text: decode(bytes), to });
  }

  close(): void {
    this.closed = true;
  }
}

export interface FakeRuntime extends Runtime {
  readonly clock: FakeClock;
  readonly files: FakeFiles;
  readonly host: FakeHost;
  readonly datagrams: FakeDatagram[];
}

export function fakeRuntime(
  contents: Readonly<Record<string, string>> = {},
  datagram?: Runtime["datagram"],
): FakeRuntime {
  const datagrams: FakeDatagram[] = [];
  const absent = (): never => {
    throw new Error("not in this fake");
  };
  return {
    name: "memory",
    versions: { runtime: "Memory 1.0", tls: "NoTLS 0.9" },
    supports: () => true,
    listen: absent,
    connect: absent,
    datagram: datagram ?? (() => {
      const made = new FakeDatagram();
      datagrams.push(made);
      return Promise.resolve(made);
    }),
    tls: { server: absent, client: absent, inspect: absent, matches: absent },
    clock: new FakeClock(),
    random: (size) => encode("\x00".repeat(size)),
    files: new FakeFiles(contents),
    host: new FakeHost(),
    datagrams,
  };
}
