/** Files in memory, with the folders, modes and errors that the real ones have. */

import { concat } from "../../core/bytes.ts";
import { FileError } from "../../core/errors.ts";
import type { Appender, Files } from "../../net/ports.ts";

interface File {
  bytes: Uint8Array;
  readonly mode: number;
}

const FILE_MODE = 0o644;
const SOCKET_MODE = 0o666;
const FOLDER_MODE = 0o755;

export class MemoryFiles implements Files {
  readonly #files = new Map<string, File>();
  readonly #folders = new Set<string>(["/"]);

  /** Path to text; folders are made as needed. */
  constructor(files: Readonly<Record<string, string>> = {}) {
    for (const [path, text] of Object.entries(files)) this.put(path, text);
  }

  /** Writes a file and the folders above it. */
  put(path: string, text: string, mode = FILE_MODE): void {
    this.mkdir(folderOf(path));
    this.write(path, text, { mode });
  }

  /** Makes a folder and those above it. */
  mkdir(path: string): void {
    for (let at = clean(path); !this.#folders.has(at); at = folderOf(at)) this.#folders.add(at);
  }

  /** A unix socket's entry, which everybody may use. */
  bind(path: string): void {
    this.write(path, "", { mode: SOCKET_MODE });
  }

  read(path: string): Uint8Array {
    if (this.#folders.has(clean(path))) throw new FileError("EISDIR", path);
    return this.#at(path).bytes.slice();
  }

  readText(path: string): string {
    return new TextDecoder().decode(this.read(path));
  }

  write(
    path: string,
    text: string,
    options: { readonly mode?: number; readonly exclusive?: boolean } = {},
  ): void {
    const known = this.#files.get(clean(path));
    if (known && options.exclusive) throw new FileError("EEXIST", path);
    const bytes = new TextEncoder().encode(text);
    if (known) known.bytes = bytes;
    else this.#make(path, { bytes, mode: options.mode ?? FILE_MODE });
  }

  remove(path: string): void {
    if (!this.#files.delete(clean(path))) throw this.#missing(path);
  }

  exists(path: string): boolean {
    return this.#files.has(clean(path)) || this.#folders.has(clean(path));
  }

  list(path: string): readonly string[] {
    const folder = clean(path);
    if (this.#files.has(folder)) throw new FileError("ENOTDIR", path);
    if (!this.#folders.has(folder)) throw new FileError("ENOENT", path);
    const all = [...this.#folders, ...this.#files.keys()];
    return all.filter((one) => one !== "/" && folderOf(one) === folder).map(nameOf);
  }

  stat(path: string): { mode: number; size: number; directory: boolean } {
    if (this.#folders.has(clean(path))) return { mode: FOLDER_MODE, size: 0, directory: true };
    const { mode, bytes } = this.#at(path);
    return { mode, size: bytes.length, directory: false };
  }

  append(path: string): Appender {
    let file: File | null = this.#open(path);
    return {
      // A removed file is written on, unseen, until it is opened again.
      write: (bytes) => {
        if (file) file.bytes = concat([file.bytes, bytes.slice()]);
      },
      reopen: () => void (file = this.#open(path)),
      close: () => void (file = null),
    };
  }

  #open(path: string): File {
    if (this.#folders.has(clean(path))) throw new FileError("EISDIR", path);
    return this.#files.get(clean(path)) ??
      this.#make(path, { bytes: new Uint8Array(0), mode: FILE_MODE });
  }

  #make(path: string, file: File): File {
    if (this.#folders.has(clean(path))) throw new FileError("EISDIR", path);
    if (!this.#folders.has(folderOf(path))) throw this.#missing(path);
    this.#files.set(clean(path), file);
    return file;
  }

  #at(path: string): File {
    const file = this.#files.get(clean(path));
    if (!file) throw this.#missing(path);
    return file;
  }

  /** ENOTDIR when a file stands where a folder is needed. */
  #missing(path: string): FileError {
    const above = this.#files.has(folderOf(path));
    return new FileError(above ? "ENOTDIR" : "ENOENT", path);
  }
}

/** Absolute, without `.`, `..`, doubled or trailing slashes; relative paths start at the root. */
function clean(path: string): string {
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return `/${parts.join("/")}`;
}

function folderOf(path: string): string {
  const at = clean(path);
  return at.slice(0, at.lastIndexOf("/")) || "/";
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}
