/**
 * `error_log destination [level];` where destination is a file, `stderr`, `syslog:server=...[,name=value]`.
 *
 * Differences from nginx: `memory:` is ignored with a warning, and the `debug_*` sub-levels count as
 * `debug`.
 */

import { nearest } from "../core/diagnostic.ts";
import { type Level, LEVELS, SYSLOG_FACILITIES } from "../core/log.ts";
import { type Endpoint, formatEndpoint, ip, unix } from "../net/address.ts";
import { parseHostPort, parseUnixPath } from "./host-port.ts";
import type { Kind, Reading } from "./kind.ts";
import { resolvePath } from "./paths.ts";
import type { Word } from "./tree.ts";

export interface Syslog {
  readonly is: "syslog";
  readonly server: Endpoint;
  readonly facility: string;
  readonly tag: string;
  /** True: no host name in the header. */
  readonly nohostname: boolean;
}

export interface ErrorLog {
  readonly destination:
    | { readonly is: "stderr" }
    | { readonly is: "file"; readonly path: string }
    | Syslog;
  /** This level and all graver ones. */
  readonly level: Level;
}

type Destination = ErrorLog["destination"];

export const ERROR_LOG: Kind<readonly ErrorLog[]> = {
  name: "destination and level",
  count: [1, Infinity],
  repeat: "collect",
  toml: "lines",
  types: [],
  expects: 'a string such as "/var/log/doorpost.log info", or a list of them',
  schema: { type: "string" },
  read: ([destination, ...levels], reading, before = []) => {
    const level = readLevel(levels, reading);
    if (destination.text.startsWith("memory:")) {
      const hint = "log to a file, or to stderr";
      reading.warn("ignored", "logs in memory are not supported: ignored", destination, hint);
      return before;
    }
    const to = readDestination(destination, reading);
    return to && level && [...before, { destination: to, level }];
  },
  show: (logs) => logs.map(({ destination, level }) => [showDestination(destination), level]),
};

// --- level -------------------------------------------------------------------------------------

/** nginx's sub-levels of debug. */
const DEBUG_LEVELS = [
  "debug_core",
  "debug_alloc",
  "debug_mutex",
  "debug_event",
  "debug_http",
  "debug_mail",
  "debug_stream",
];

function readLevel(words: readonly Word[], reading: Reading): Level | undefined {
  const [first, ...rest] = words.map((word) => levelOf(word, reading));
  if (words.length === 0) return "error";
  const subLevels = words.every((word) => word.text.startsWith("debug_"));
  if (rest.length > 0 && !subLevels) {
    return reading.fault("invalid-value", `duplicate log level "${words[1].text}"`, words[1]);
  }
  return rest.includes(undefined) ? undefined : first;
}

function levelOf(word: Word, reading: Reading): Level | undefined {
  const level = LEVELS.find((candidate) => candidate === word.text);
  if (level) return level;
  if (DEBUG_LEVELS.includes(word.text)) return "debug";
  const guess = nearest(word.text, LEVELS);
  const hint = guess ? `did you mean "${guess}"?` : `known levels: ${LEVELS.join(", ")}`;
  return reading.fault("invalid-value", `invalid log level "${word.text}"`, word, hint);
}

// --- destination -------------------------------------------------------------------------------

function readDestination(word: Word, reading: Reading): Destination | undefined {
  if (word.text === "stderr") return { is: "stderr" };
  if (word.text.startsWith("syslog:")) return readSyslog(word, reading);
  return { is: "file", path: resolvePath(reading.folder, word.text) };
}

const FACILITIES: readonly string[] = SYSLOG_FACILITIES;
const SEVERITIES: readonly string[] = LEVELS;
/** RFC 3164 section 4.1.3. */
const TAG_LENGTH = 32;
const DEFAULT_FACILITY = "local7";
const DEFAULT_TAG = "doorpost";
const SYSLOG_PORT = 514;

interface SyslogDraft {
  server?: Endpoint;
  facility?: string;
  /** For access logs: in `error_log` each line has its own, and this one is for nothing. */
  severity?: string;
  tag?: string;
  nohostname?: true;
}

function readSyslog(word: Word, reading: Reading): Syslog | undefined {
  const draft: SyslogDraft = {};
  for (const part of word.text.slice("syslog:".length).split(",")) {
    if (!readPart(draft, part, word, reading)) return undefined;
  }
  const { server, facility = DEFAULT_FACILITY, tag = DEFAULT_TAG, nohostname = false } = draft;
  if (server) return { is: "syslog", server, facility, tag, nohostname };
  const hint = "write syslog:server=address";
  return reading.fault("invalid-value", "no syslog server specified", word, hint);
}

/** False when it is faulty (and reported). */
function readPart(draft: SyslogDraft, part: string, word: Word, reading: Reading): boolean {
  if (part === "nohostname") return draft.nohostname = true;
  const [, name, value] = /^(server|facility|severity|tag)=(.*)$/s.exec(part) ?? [];
  const problem = name === undefined
    ? `unknown syslog parameter "${part}"`
    : problemOfPart(draft, name as keyof SyslogDraft, value);
  if (problem !== null) {
    reading.fault("invalid-value", problem, word);
    return false;
  }
  if (name !== "server") draft[name as "facility" | "severity" | "tag"] = value;
  else draft.server = readServer(value, word, reading);
  return name !== "server" || draft.server !== undefined;
}

/** nginx's words about a parameter, or null. */
function problemOfPart(
  draft: SyslogDraft,
  name: keyof SyslogDraft,
  value: string,
): string | null {
  if (draft[name] !== undefined) return `duplicate syslog "${name}"`;
  if (name === "facility" && !FACILITIES.includes(value)) {
    return `unknown syslog facility "${value}"`;
  }
  if (name === "severity" && !SEVERITIES.includes(value)) {
    return `unknown syslog severity "${value}"`;
  }
  if (name !== "tag") return null;
  if (value.length > TAG_LENGTH) return `syslog tag length exceeds ${TAG_LENGTH}`;
  return /^\w+$/.test(value)
    ? null
    : 'syslog "tag" only allows alphanumeric characters and underscore';
}

function readServer(text: string, word: Word, reading: Reading): Endpoint | undefined {
  const fault = (problem: string): undefined =>
    reading.fault("invalid-value", `${problem} in syslog server "${text}"`, word);
  if (text.startsWith("unix:")) {
    const parsed = parseUnixPath(text.slice(5));
    return "problem" in parsed ? fault(parsed.problem) : unix(parsed.path);
  }
  const parsed = parseHostPort(text);
  if ("problem" in parsed) return fault(parsed.problem);
  const found = parsed.is === "ip" ? [parsed.host] : reading.lookup(parsed.host);
  if (found === null || found?.length === 0) return fault("host not found");
  // Nobody looks names up: any address will do, nothing is going to be sent.
  return ip(found?.[0] ?? "0.0.0.0", parsed.ports?.[0] ?? SYSLOG_PORT);
}

function showDestination(to: Destination): string {
  if (to.is === "stderr") return "stderr";
  if (to.is === "file") return to.path;
  const parts = [`server=${formatEndpoint(to.server)}`];
  if (to.facility !== DEFAULT_FACILITY) parts.push(`facility=${to.facility}`);
  if (to.tag !== DEFAULT_TAG) parts.push(`tag=${to.tag}`);
  if (to.nohostname) parts.push("nohostname");
  return `syslog:${parts.join(",")}`;
}
