/**
 * Log events: what happened, as data. Machines and drivers make them, `observe` writes them in
 * nginx's line form or as JSON. A field never holds a credential.
 */

/** nginx's `error_log` levels, gravest first. */
export const LEVELS = [
  "emerg",
  "alert",
  "crit",
  "error",
  "warn",
  "notice",
  "info",
  "debug",
] as const;
export type Level = typeof LEVELS[number];

/** nginx's `facility=` words of `error_log syslog:`, at their numbers in RFC 3164 section 4.1.1. */
export const SYSLOG_FACILITIES = [
  "kern",
  "user",
  "mail",
  "daemon",
  "auth",
  "intern",
  "lpr",
  "news",
  "uucp",
  "clock",
  "authpriv",
  "ftp",
  "ntp",
  "audit",
  "alert",
  "cron",
  "local0",
  "local1",
  "local2",
  "local3",
  "local4",
  "local5",
  "local6",
  "local7",
] as const;

/** What the proxy was doing, in nginx's words (` while ...`). */
export type Doing =
  | "reading PROXY protocol"
  | "SSL handshaking"
  | "in starttls state"
  | "in resolving client address"
  | "in resolving client hostname"
  | "in delay pipelining state"
  | "sending client greeting line"
  | "in auth state"
  | "in http auth state"
  | "connecting to upstream"
  | "SSL handshaking to upstream"
  | "sending PROXY protocol header to upstream"
  | "sending user name to upstream"
  | "sending password to upstream"
  | "sending LOGIN command to upstream"
  | "sending HELO/EHLO to upstream"
  | "sending XCLIENT to upstream"
  | "sending client HELO/EHLO to upstream"
  | "sending AUTH to upstream"
  | "sending MAIL FROM to upstream"
  | "sending RCPT TO to upstream"
  | "reading response from upstream"
  | "proxying"
  | "proxying and reading from client"
  | "proxying and reading from upstream";

/** What happened, before the session's context is added. */
export interface LogEvent {
  readonly level: Level;
  /** One sentence, no line ends; peer bytes in it have passed `printable`. */
  readonly message: string;
  /** `(111: Connection refused)`, when the operating system has a word to say. */
  readonly errno?: string;
  readonly doing?: Doing;
}

/** The session that an event belongs to (nginx's suffix of a log line). */
export interface LogContext {
  /** Number of the connection within this process, nginx's `*1`. */
  readonly connection: number;
  readonly client: string;
  readonly starttls: boolean;
  /** The configured listen address, such as `0.0.0.0:143`. */
  readonly server: string;
  readonly login: string;
  /** `ip:port` of the backend, empty until one was chosen. */
  readonly upstream: string;
  /** `[client-local] <=> [local-upstream]`, each `ip:port`: of the logged-in line alone. */
  readonly link?: string;
}

/** Where events go. `enabled` lets hot paths skip making an event that nobody reads. */
export interface Log {
  enabled(level: Level): boolean;
  write(event: LogEvent, context?: LogContext): void;
}

/** A log that keeps nothing. */
export const SILENT: Log = { enabled: () => false, write: () => {} };
