/**
 * What the runtimes throw, as our two kinds of error. All three give system errors a `code` with the
 * errno name; Deno's own API names some of them by class only.
 */

import { errnoText, NetError } from "../../core/errors.ts";

/** Deno's error classes that carry no `code`. */
const BY_CLASS: Readonly<Record<string, string>> = {
  AddrInUse: "EADDRINUSE",
  AddrNotAvailable: "EADDRNOTAVAIL",
  AlreadyExists: "EEXIST",
  BrokenPipe: "EPIPE",
  BadResource: "EBADF",
  ConnectionAborted: "ECONNABORTED",
  ConnectionRefused: "ECONNREFUSED",
  ConnectionReset: "ECONNRESET",
  IsADirectory: "EISDIR",
  NetworkUnreachable: "ENETUNREACH",
  NotADirectory: "ENOTDIR",
  NotConnected: "ENOTCONN",
  NotFound: "ENOENT",
  NotSupported: "ENOTSUP",
  PermissionDenied: "EACCES",
  TimedOut: "ETIMEDOUT",
  UnexpectedEof: "ECONNRESET",
};

/** The errno name of whatever was thrown; `EIO` when it has none. */
export function errorCode(thrown: unknown): string {
  if (!(thrown instanceof Error)) return "EIO";
  const code = (thrown as { code?: unknown }).code;
  if (typeof code === "string" && code !== "") return code;
  return BY_CLASS[thrown.name] ?? byNumber(thrown.message) ?? "EIO";
}

/** `Too many open files (os error 24)`, which Deno throws as a plain `Error`. */
function byNumber(message: string): string | undefined {
  const found = /\(os error (\d+)\)/.exec(message);
  return found ? OS_ERRORS[Number(found[1])] : undefined;
}

const OS_ERRORS: Readonly<Record<number, string>> = {
  13: "EACCES",
  22: "EINVAL",
  23: "ENFILE",
  24: "EMFILE",
  98: "EADDRINUSE",
  99: "EADDRNOTAVAIL",
  101: "ENETUNREACH",
  103: "ECONNABORTED",
  104: "ECONNRESET",
  110: "ETIMEDOUT",
  111: "ECONNREFUSED",
  113: "EHOSTUNREACH",
};

/** A `NetError` of the same errno; `doing` is the start of its sentence ("Cannot bind [::1]:143"). */
export function netError(thrown: unknown, doing?: string): NetError {
  if (thrown instanceof NetError) return thrown;
  const code = errorCode(thrown);
  const text = errnoText(code);
  const why = text === code && thrown instanceof Error ? thrown.message : lowerFirst(text);
  return new NetError(code, doing ? `${doing}: ${why}` : why);
}

/** The house says "address in use" where the system says "Address already in use". */
function lowerFirst(text: string): string {
  if (text === "Address already in use") return "address in use";
  return text.charAt(0).toLowerCase() + text.slice(1);
}
