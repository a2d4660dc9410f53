/**
 * Errors by blame. A `NetError` is normal traffic (a peer, a network, a busy port); a `FileError` is
 * the administrator's to mend. Anything else that is thrown is a bug of ours.
 */

/** Failure of a socket operation. `code` is the errno name (`ECONNREFUSED`) or one of ours. */
export class NetError extends Error {
  override readonly name = "NetError";
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }

  /** nginx's form of an errno in a log line: `(111: Connection refused)`. */
  get errno(): string {
    return errnoForm(this.code, this.message);
  }
}

/** Failure to read or write a file. */
export class FileError extends Error {
  override readonly name = "FileError";
  readonly code: string;
  readonly path: string;

  constructor(code: string, path: string) {
    super(`"${path}": ${errnoText(code)}`);
    this.code = code;
    this.path = path;
  }

  /** nginx's form of an errno: `(2: No such file or directory)`. */
  get errno(): string {
    return errnoForm(this.code, this.message);
  }
}

function errnoForm(code: string, message: string): string {
  const known = Object.hasOwn(ERRNO, code) ? ERRNO[code] : undefined;
  return known ? `(${known[0]}: ${known[1]})` : `(${code}: ${message})`;
}

/** Linux numbers and texts of the errno names that sockets and files meet. */
const ERRNO: Readonly<Record<string, readonly [number, string]>> = {
  EPERM: [1, "Operation not permitted"],
  ENOENT: [2, "No such file or directory"],
  EIO: [5, "Input/output error"],
  EACCES: [13, "Permission denied"],
  EEXIST: [17, "File exists"],
  ENOTDIR: [20, "Not a directory"],
  EISDIR: [21, "Is a directory"],
  EINVAL: [22, "Invalid argument"],
  ENFILE: [23, "Too many open files in system"],
  EMFILE: [24, "Too many open files"],
  ENOSPC: [28, "No space left on device"],
  EROFS: [30, "Read-only file system"],
  EPIPE: [32, "Broken pipe"],
  ENAMETOOLONG: [36, "File name too long"],
  EADDRINUSE: [98, "Address already in use"],
  EADDRNOTAVAIL: [99, "Cannot assign requested address"],
  ENETDOWN: [100, "Network is down"],
  ENETUNREACH: [101, "Network is unreachable"],
  ECONNABORTED: [103, "Software caused connection abort"],
  ECONNRESET: [104, "Connection reset by peer"],
  ETIMEDOUT: [110, "Connection timed out"],
  ECONNREFUSED: [111, "Connection refused"],
  EHOSTUNREACH: [113, "No route to host"],
};

/** The operating system's sentence for an errno name, or the name itself. */
export function errnoText(code: string): string {
  return Object.hasOwn(ERRNO, code) ? ERRNO[code][1] : code;
}
