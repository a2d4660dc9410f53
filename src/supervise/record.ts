/**
 * A configuration is read once, by the master: a `Recorder` keeps what was read (files, keys, names'
 * addresses), and workers `replay` it. So a worker that replaces a crashed one hours later runs what
 * was checked, not what lies half edited on the disk, and keys need to be readable by the master alone.
 * nginx has the same by forking.
 *
 * A recording holds private keys. It stays in memory and goes over the workers' channel, nowhere else.
 */

import { type ByteString, decode, encode } from "../core/bytes.ts";
import { FileError, NetError } from "../core/errors.ts";
import type { Files, Host, Runtime } from "../net/ports.ts";

/** What reading needs, as `config/load.ts` takes it. */
export interface World {
  readonly files: Files;
  readonly host: Pick<Host, "cwd" | "hostname" | "lookup">;
}

type Outcome<T> = { readonly value: T } | { readonly code: string; readonly message?: string };

type Stat = ReturnType<Files["stat"]>;

/** By path or name. */
export interface Recording {
  readonly read: Readonly<Record<string, Outcome<ByteString>>>;
  readonly readText: Readonly<Record<string, Outcome<string>>>;
  readonly list: Readonly<Record<string, Outcome<readonly string[]>>>;
  readonly stat: Readonly<Record<string, Outcome<Stat>>>;
  readonly lookup: Readonly<Record<string, Outcome<readonly string[]>>>;
}

type Kept<T> = Record<string, Outcome<T>>;

export class Recorder {
  readonly world: World;
  /** The runtime itself, but with files that are recorded. */
  readonly runtime: Runtime;
  readonly recording: { readonly [method in keyof Recording]: Recording[method] };

  constructor(runtime: Runtime) {
    const kept = {
      read: empty(),
      readText: empty(),
      list: empty(),
      stat: empty(),
      lookup: empty(),
    };
    const { files, host } = runtime;
    const recorded: Files = {
      ...passedOn(files),
      read: (path) => encode(keep(kept.read, path, () => decode(files.read(path)))),
      readText: (path) => keep(kept.readText, path, () => files.readText(path)),
      list: (path) => keep(kept.list, path, () => files.list(path)),
      stat: (path) => keep(kept.stat, path, () => files.stat(path)),
    };
    const lookup = (name: string) => keepLater(kept.lookup, name, () => host.lookup(name));
    this.recording = kept;
    this.runtime = withFiles(runtime, recorded);
    this.world = { files: recorded, host: { cwd: host.cwd, hostname: host.hostname, lookup } };
  }
}

/** Without a prototype: a file may be called `constructor`. */
// deno-lint-ignore no-explicit-any
function empty(): Kept<any> {
  return Object.create(null);
}

function keep<T>(kept: Kept<T>, name: string, work: () => T): T {
  try {
    const value = work();
    kept[name] = { value };
    return value;
  } catch (error) {
    if (error instanceof FileError) kept[name] = { code: error.code };
    throw error;
  }
}

async function keepLater<T>(kept: Kept<T>, name: string, work: () => Promise<T>): Promise<T> {
  try {
    const value = await work();
    kept[name] = { value };
    return value;
  } catch (error) {
    if (error instanceof NetError) kept[name] = { code: error.code, message: error.message };
    throw error;
  }
}

/** What the master read, read again. What it did not read comes from the disk. */
export function replay(
  runtime: Runtime,
  recording: Recording,
): { readonly world: World; readonly runtime: Runtime } {
  const { files, host } = runtime;
  const replayed: Files = {
    ...passedOn(files),
    read: (path) => {
      const text = again(recording.read, path);
      return text === undefined ? files.read(path) : encode(text);
    },
    readText: (path) => again(recording.readText, path) ?? files.readText(path),
    list: (path) => again(recording.list, path) ?? files.list(path),
    stat: (path) => again(recording.stat, path) ?? files.stat(path),
  };
  const lookup = async (name: string): Promise<readonly string[]> => {
    const outcome = found(recording.lookup, name);
    if (outcome === undefined) return await host.lookup(name);
    if ("value" in outcome) return outcome.value;
    throw new NetError(outcome.code, outcome.message ?? outcome.code);
  };
  return {
    runtime: withFiles(runtime, replayed),
    world: { files: replayed, host: { cwd: host.cwd, hostname: host.hostname, lookup } },
  };
}

function again<T>(kept: Readonly<Kept<T>>, path: string): T | undefined {
  const outcome = found(kept, path);
  if (outcome === undefined) return undefined;
  if ("value" in outcome) return outcome.value;
  throw new FileError(outcome.code, path);
}

/** A recording that has travelled has a prototype again. */
function found<T>(kept: Readonly<Kept<T>>, name: string): Outcome<T> | undefined {
  return Object.hasOwn(kept, name) ? kept[name] : undefined;
}

function passedOn(files: Files): Files {
  return {
    read: (path) => files.read(path),
    readText: (path) => files.readText(path),
    write: (path, text, options) => files.write(path, text, options),
    remove: (path) => files.remove(path),
    exists: (path) => files.exists(path),
    list: (path) => files.list(path),
    stat: (path) => files.stat(path),
    append: (path) => files.append(path),
  };
}

function withFiles(runtime: Runtime, files: Files): Runtime {
  return {
    name: runtime.name,
    versions: runtime.versions,
    supports: (feature) => runtime.supports(feature),
    listen: (at, options, accept) => runtime.listen(at, options, accept),
    connect: (to, options, receiver) => runtime.connect(to, options, receiver),
    datagram: (options) => runtime.datagram(options),
    tls: runtime.tls,
    clock: runtime.clock,
    random: (size) => runtime.random(size),
    files,
    host: runtime.host,
  };
}
