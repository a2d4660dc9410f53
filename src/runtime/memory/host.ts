/** The process in memory: captured output, given environment, signals that a test sends. */

import { NetError } from "../../core/errors.ts";
import { normaliseAddress, parseAddress } from "../../net/address.ts";
import type { Host, Signal } from "../../net/ports.ts";

export interface HostOptions {
  readonly argv?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** What `readIn` gives. */
  readonly stdin?: string;
  /** Which streams are terminals; none by default. */
  readonly terminals?: readonly ("stdin" | "stdout" | "stderr")[];
  readonly columns?: number;
  /** Answers to `askSecret`, in order; null = there is no terminal. */
  readonly secrets?: readonly string[];
  /** Name to addresses; `localhost` is known. */
  readonly names?: Readonly<Record<string, readonly string[]>>;
}

/** What `exit` throws, since it must not return. */
export class Exit extends Error {
  override readonly name = "Exit";
  readonly code: number;

  constructor(code: number) {
    super(`exit ${code}`);
    this.code = code;
  }
}

const LOCALHOST: readonly string[] = ["127.0.0.1", "::1"];

export class MemoryHost implements Host {
  readonly argv: readonly string[];
  readonly pid = 4242;
  readonly hostname = "mail.example.com";
  readonly cwd = "/";
  readonly columns: number;
  /** All that was written. */
  out = "";
  err = "";
  /** What `exit` was called with. */
  exitCode: number | null = null;
  /** The user and group of `setUser`. */
  user: readonly [string, string | undefined] | null = null;
  readonly #options: HostOptions;
  readonly #secrets: string[];
  readonly #handlers = new Map<Signal, (() => void)[]>();

  constructor(options: HostOptions = {}) {
    this.#options = options;
    this.argv = options.argv ?? [];
    this.columns = options.columns ?? 80;
    this.#secrets = [...options.secrets ?? []];
  }

  env(name: string): string | undefined {
    return this.#options.env?.[name];
  }

  isTerminal(stream: "stdin" | "stdout" | "stderr"): boolean {
    return this.#options.terminals?.includes(stream) ?? false;
  }

  writeOut(text: string): void {
    this.out += text;
  }

  writeErr(text: string): void {
    this.err += text;
  }

  readIn(): Promise<Uint8Array> {
    return Promise.resolve(new TextEncoder().encode(this.#options.stdin ?? ""));
  }

  askSecret(prompt: string): Promise<string | null> {
    const answer = this.#secrets.shift();
    if (answer !== undefined) this.err += prompt;
    return Promise.resolve(answer ?? null);
  }

  onSignal(signal: Signal, run: () => void): void {
    this.#handlers.set(signal, [...this.#handlers.get(signal) ?? [], run]);
  }

  /** Sends a signal to the process. */
  signal(signal: Signal): void {
    for (const run of this.#handlers.get(signal) ?? []) run();
  }

  exit(code: number): never {
    this.exitCode ??= code;
    throw new Exit(code);
  }

  lookup(name: string): Promise<readonly string[]> {
    if (parseAddress(name)) return Promise.resolve([normaliseAddress(name)]);
    const { names = {} } = this.#options;
    const known = Object.hasOwn(names, name) ? names[name] : undefined;
    const found = known ?? (name === "localhost" ? LOCALHOST : undefined);
    if (found) return Promise.resolve(found);
    return Promise.reject(new NetError("ENOTFOUND", `Cannot resolve "${name}": no such name`));
  }

  openFiles(): number {
    return 1024;
  }

  setUser(user: string, group: string | undefined): void {
    this.user = [user, group];
  }
}
