/**
 * `listen address[:port] [parameter ...];`
 *
 * Differences from nginx: an address without a port takes the protocol's (nginx: a port of the kernel's
 * choice), and old files' `ssl on` makes every listener of the server a TLS one.
 */

import { nearest, type Position } from "../core/diagnostic.ts";
import { type Endpoint, formatEndpoint, ip, unix } from "../net/address.ts";
import { type HostPort, parseHostPort, parseUnixPath } from "./host-port.ts";
import type { Kind, Protocol, Reading } from "./kind.ts";
import { parseNumber, parseSeconds, parseSize, showSize, showTime } from "./numbers.ts";
import type { Word } from "./tree.ts";

/** TCP keep-alive of accepted connections; absent times (seconds) and counts are the system's. */
export interface KeepAlive {
  readonly on: boolean;
  readonly idle?: number;
  readonly interval?: number;
  readonly count?: number;
}

/** One `listen` directive. */
export interface Listen {
  /** As nginx names it in logs: `0.0.0.0:143`, `[::]:143`, `unix:/x` (the first, when there are several). */
  readonly text: string;
  /** The address word as the file has it: `143`, `*:143`, `mail.example.com:143`. */
  readonly address: string;
  /**
   * All endpoints: a name may have several addresses, a range of ports is spread out. Empty only when
   * names are not being resolved.
   */
  readonly at: readonly Endpoint[];
  readonly ssl: boolean;
  readonly proxy_protocol: boolean;
  readonly bind: boolean;
  readonly backlog?: number;
  /** Bytes. */
  readonly rcvbuf?: number;
  readonly sndbuf?: number;
  readonly ipv6only: boolean;
  readonly so_keepalive?: KeepAlive;
  readonly multipath: boolean;
  readonly position: Position;
}

/** What the parameters of one `listen` come to. */
type Parameters = Omit<Listen, "text" | "address" | "at" | "position">;

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

const PORTS: Readonly<Record<Protocol, readonly [plain: number, tls: number]>> = {
  imap: [143, 993],
  pop3: [110, 995],
  smtp: [25, 465],
};

/** nginx's table of well-known ports: what a server speaks when it does not say. */
function protocolOfPort(port: number): Protocol | null {
  if (port === 25 || port === 465 || port === 587) return "smtp";
  if (port === 110 || port === 995) return "pop3";
  return port === 143 || port === 993 ? "imap" : null;
}

/** nginx goes by the first listener whose port it knows. */
export function protocolOfListeners(listeners: readonly Listen[]): Protocol | null {
  for (const listen of listeners) {
    const port = portOf(listen);
    const protocol = port === null ? null : protocolOfPort(port);
    if (protocol) return protocol;
  }
  return null;
}

/** The first port; also of a name that nobody has resolved. */
function portOf({ at: [first], address }: Listen): number | null {
  if (first) return first.is === "ip" ? first.port : null;
  const parsed = parseHostPort(address, { listen: true });
  return "problem" in parsed ? null : parsed.ports?.[0] ?? null;
}

export const LISTEN: Kind<readonly Listen[]> = {
  name: "address, port and parameters",
  count: [1, Infinity],
  repeat: "collect",
  toml: "lines",
  types: ["integer"],
  expects: 'a port, a string such as "0.0.0.0:993 ssl", or a list of them',
  schema: { type: ["integer", "string"], minimum: 1, maximum: 65_535, pattern: "\\S" },
  read: ([address, ...words], reading, before = []) => {
    const parameters = readParameters(words, reading);
    const at = readAddress(address, parameters?.ssl ?? reading.server.ssl, reading);
    if (!at || !parameters) return undefined;
    const text = at.length > 0 ? formatEndpoint(at[0]) : address.text;
    return [...before, { text, address: address.text, at, ...parameters, position: address.at }];
  },
  show: (listens) => listens.map((listen) => [listen.address, ...showParameters(listen)]),
};

// --- address -----------------------------------------------------------------------------------

function readAddress(word: Word, ssl: boolean, reading: Reading): readonly Endpoint[] | undefined {
  const fault = (problem: string, hint?: string): undefined =>
    reading.fault(
      "invalid-value",
      `${problem} in "${word.text}" of the "listen" directive`,
      word,
      hint,
    );
  if (word.text.startsWith("unix:")) {
    const parsed = parseUnixPath(word.text.slice(5));
    return "problem" in parsed ? fault(parsed.problem) : [unix(parsed.path)];
  }
  const parsed = parseHostPort(word.text, { listen: true });
  if ("problem" in parsed) return fault(parsed.problem);
  const ports = parsed.ports ?? protocolPorts(ssl, reading);
  if (!ports) return fault("no port", "write the port, or say above which `protocol` this is");
  const addresses = addressesOf(parsed, reading);
  return addresses ? spread(addresses, ports) : fault("host not found");
}

function protocolPorts(ssl: boolean, reading: Reading): readonly [number, number] | null {
  const { protocol } = reading.server;
  if (!protocol) return null;
  const port = PORTS[protocol][ssl ? 1 : 0];
  return [port, port];
}

/** Null when the name is not known; empty when nobody asks. */
function addressesOf(parsed: HostPort, reading: Reading): readonly string[] | null {
  if (parsed.is === "any") return ["0.0.0.0"];
  if (parsed.is === "ip") return [parsed.host];
  const found = reading.lookup(parsed.host);
  if (found === undefined) return [];
  return found && [...new Set(found)];
}

function spread(addresses: readonly string[], ports: readonly [number, number]): Endpoint[] {
  const all: Endpoint[] = [];
  for (let port = ports[0]; port <= ports[1]; port++) {
    for (const address of addresses) all.push(ip(address, port));
  }
  return all;
}

// --- parameters --------------------------------------------------------------------------------

type Draft = Mutable<Parameters>;

/** Reads what stands behind `name=`; false when it is faulty (and reported). */
type Setter = (draft: Draft, value: string, word: Word, reading: Reading) => boolean;

const SWITCHES: Readonly<Record<string, (draft: Draft) => void>> = {
  ssl: (draft) => draft.ssl = true,
  proxy_protocol: (draft) => draft.proxy_protocol = true,
  bind: (draft) => draft.bind = true,
  multipath: (draft) => draft.multipath = true,
};

const SETTERS: Readonly<Record<string, Setter>> = {
  "backlog=": (draft, value, word, reading) => {
    const backlog = parseNumber(value);
    if (!backlog) return refuse(`invalid backlog "${word.text}"`, word, reading);
    draft.backlog = backlog;
    return true;
  },
  "rcvbuf=": (draft, value, word, reading) => {
    const size = parseSize(value);
    if (size === null) return refuse(`invalid rcvbuf "${word.text}"`, word, reading);
    draft.rcvbuf = size;
    return true;
  },
  "sndbuf=": (draft, value, word, reading) => {
    const size = parseSize(value);
    if (size === null) return refuse(`invalid sndbuf "${word.text}"`, word, reading);
    draft.sndbuf = size;
    return true;
  },
  "ipv6only=": (draft, value, word, reading) => {
    if (value !== "on" && value !== "off") {
      const text = value.startsWith("o")
        ? `invalid ipv6only flags "${value}"`
        : `invalid parameter "${word.text}"`;
      return refuse(text, word, reading, "write ipv6only=on or ipv6only=off");
    }
    draft.ipv6only = value === "on";
    return true;
  },
  "so_keepalive=": (draft, value, word, reading) => {
    const keepAlive = parseKeepAlive(value);
    if (!keepAlive) {
      const hint = "write on, off or idle:interval:count, such as so_keepalive=30m::10";
      return refuse(`invalid so_keepalive value: "${value}"`, word, reading, hint);
    }
    draft.so_keepalive = keepAlive;
    return true;
  },
};

function refuse(message: string, word: Word, reading: Reading, hint?: string): false {
  reading.fault("invalid-value", message, word, hint);
  return false;
}

function readParameters(words: readonly Word[], reading: Reading): Parameters | undefined {
  const draft: Draft = {
    ssl: reading.server.ssl,
    proxy_protocol: false,
    bind: false,
    ipv6only: true,
    multipath: false,
  };
  let sound = true;
  for (const word of words) sound = readParameter(draft, word, reading) && sound;
  return sound ? draft : undefined;
}

function readParameter(draft: Draft, word: Word, reading: Reading): boolean {
  const name = word.text.slice(0, word.text.indexOf("=") + 1);
  if (Object.hasOwn(SWITCHES, word.text)) {
    SWITCHES[word.text](draft);
    return true;
  }
  if (name !== "" && Object.hasOwn(SETTERS, name)) {
    return SETTERS[name](draft, word.text.slice(name.length), word, reading);
  }
  return refuse(`invalid parameter "${word.text}"`, word, reading, hintFor(word.text));
}

/** Parameters that only `listen` in `http {}` has. */
const HTTP_ONLY = ["default_server", "default", "reuseport", "http2", "quic", "deferred"];

function hintFor(parameter: string): string | undefined {
  if (HTTP_ONLY.includes(parameter)) {
    return `"${parameter}" belongs to the http module: leave it out`;
  }
  const guess = nearest(parameter.replace(/=.*/, "="), [
    ...Object.keys(SWITCHES),
    ...Object.keys(SETTERS),
  ]);
  return guess && `did you mean "${guess}"?`;
}

function parseKeepAlive(value: string): KeepAlive | null {
  if (value === "on" || value === "off") return { on: value === "on" };
  // nginx lets the colons behind the last part be left out: `30m`, `30m:5`.
  const [first, second = "", third = "", ...more] = value.split(":");
  if (more.length > 0) return null;
  const [idle, interval] = [first, second].map((part) => part === "" ? 0 : parseSeconds(part));
  const count = third === "" ? 0 : parseNumber(third);
  if (idle === null || interval === null || count === null) return null;
  if (idle + interval + count === 0) return null;
  return {
    on: true,
    ...(idle > 0 && { idle: idle / 1000 }),
    ...(interval > 0 && { interval: interval / 1000 }),
    ...(count > 0 && { count }),
  };
}

function showParameters(listen: Listen): string[] {
  const words: string[] = [];
  for (const name of ["ssl", "proxy_protocol", "bind", "multipath"] as const) {
    if (listen[name]) words.push(name);
  }
  if (listen.backlog !== undefined) words.push(`backlog=${listen.backlog}`);
  if (listen.rcvbuf !== undefined) words.push(`rcvbuf=${showSize(listen.rcvbuf)}`);
  if (listen.sndbuf !== undefined) words.push(`sndbuf=${showSize(listen.sndbuf)}`);
  if (!listen.ipv6only) words.push("ipv6only=off");
  if (listen.so_keepalive) words.push(`so_keepalive=${showKeepAlive(listen.so_keepalive)}`);
  return words;
}

function showKeepAlive({ on, idle, interval, count }: KeepAlive): string {
  if (!on) return "off";
  if (idle === undefined && interval === undefined && count === undefined) return "on";
  const time = (seconds: number | undefined) =>
    seconds === undefined ? "" : showTime(seconds * 1000);
  return `${time(idle)}:${time(interval)}:${count ?? ""}`;
}
