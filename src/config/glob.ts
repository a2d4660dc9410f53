/**
 * File patterns of `include`: `*`, `?` and `[...]` within a path segment, sorted, as POSIX glob() gives
 * them. A leading dot is matched by a dot alone.
 */

import { FileError } from "../core/errors.ts";
import { resolvePath } from "./paths.ts";

/** Names in a folder; throws `FileError`. */
export type ListFolder = (folder: string) => readonly string[];

export function isPattern(path: string): boolean {
  return /[*?[]/.test(path);
}

/** Existing paths that match an absolute pattern; folders that cannot be listed match nothing. */
export function glob(pattern: string, list: ListFolder): readonly string[] {
  const [first, ...segments] = pattern.split("/");
  let paths = [first === "" ? "/" : first];
  for (const [i, segment] of segments.entries()) {
    if (segment === "") continue;
    const last = i === segments.length - 1;
    paths = paths.flatMap((path) => step(path, segment, last, list));
  }
  return paths.sort();
}

function step(folder: string, segment: string, last: boolean, list: ListFolder): string[] {
  // A plain segment on the way needs no look; a plain last one must exist.
  if (!isPattern(segment) && !last) return [resolvePath(folder, segment)];
  const matches = isPattern(segment)
    ? toRegExp(segment)
    : { test: (name: string) => name === segment };
  return names(folder, list).filter((name) => matches.test(name)).map((name) =>
    resolvePath(folder, name)
  );
}

function names(folder: string, list: ListFolder): readonly string[] {
  try {
    return list(folder);
  } catch (error) {
    if (error instanceof FileError) return [];
    throw error;
  }
}

function toRegExp(segment: string): RegExp {
  const body = segment.replace(/\[!?\]?[^\]]*\]|[\s\S]/g, (part) => {
    if (part === "*") return "[^/]*";
    if (part === "?") return "[^/]";
    if (part.length === 1) return part.replace(/[\\^$.|+(){}[\]]/, "\\$&");
    const negated = part[1] === "!";
    const set = part.slice(negated ? 2 : 1, -1).replace(/[\\\]^[]/g, "\\$&");
    return `[${negated ? "^" : ""}${set}]`;
  });
  return new RegExp(`^${segment.startsWith(".") ? "" : "(?!\\.)"}${body}$`, "su");
}
