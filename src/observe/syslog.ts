/**
 * `error_log syslog:...`: RFC 3164 datagrams in nginx's form,
 *
 *     <PRI>Mon dd hh:mm:ss HOST TAG: LINE
 *
 * to a UDP port or a unix datagram socket. As in nginx HOST is in lower case (`nohostname` leaves it
 * out), and the severity of an error log's lines is that of their level (`severity=` is for access logs).
 *
 * A datagram may always be lost, so nothing here waits or fails a session: lines written before the
 * socket is open wait in a short queue, and a socket that cannot be opened, or is not there, is reported
 * once.
 */

import type { Syslog } from "../config/settings.ts";
import type { ByteString } from "../core/bytes.ts";
import { encode } from "../core/bytes.ts";
import { SYSLOG_QUEUE } from "../core/limits.ts";
import { type Level, LEVELS, SYSLOG_FACILITIES } from "../core/log.ts";
import { type Endpoint, formatEndpoint } from "../net/address.ts";
import type { Datagram, DatagramOptions, Runtime } from "../net/ports.ts";
import { two } from "./line.ts";
import type { Sink } from "./sink.ts";

const MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");

export class SyslogSink implements Sink {
  readonly #settings: Syslog;
  readonly #runtime: Runtime;
  readonly #complain: (text: string) => void;
  readonly #facility: number;
  #socket: Datagram | null = null;
  #opening = false;
  #closed = false;
  #waiting: Uint8Array[] = [];

  /** `complain` gets one sentence when the socket cannot be opened. */
  constructor(settings: Syslog, runtime: Runtime, complain: (text: string) => void) {
    this.#settings = settings;
    this.#runtime = runtime;
    this.#complain = complain;
    const known: readonly string[] = SYSLOG_FACILITIES;
    this.#facility = Math.max(0, known.indexOf(settings.facility));
    this.#open();
  }

  write(line: ByteString, level: Level): void {
    const datagram = encode(this.#header(level) + line);
    if (this.#socket) this.#socket.send(datagram, this.#settings.server);
    else if (this.#opening && this.#waiting.length < SYSLOG_QUEUE) this.#waiting.push(datagram);
  }

  #header(level: Level): string {
    const { tag, nohostname } = this.#settings;
    const priority = this.#facility * 8 + LEVELS.indexOf(level);
    const host = nohostname ? "" : `${this.#runtime.host.hostname.toLowerCase()} `;
    return `<${priority}>${syslogTime(this.#runtime.clock.now())} ${host}${tag}: `;
  }

  #open(): void {
    this.#opening = true;
    this.#runtime.datagram({ family: familyOf(this.#settings.server) }).then(
      (socket) => this.#opened(socket),
      (error) => this.#failed(error),
    );
  }

  #opened(socket: Datagram): void {
    this.#opening = false;
    if (this.#closed) {
      socket.close();
      return;
    }
    this.#socket = socket;
    const { server } = this.#settings;
    if (server.is === "unix" && !this.#runtime.files.exists(server.path)) {
      this.#lost("No such file or directory");
    }
    for (const datagram of this.#waiting) socket.send(datagram, this.#settings.server);
    this.#waiting = [];
  }

  #failed(error: unknown): void {
    this.#opening = false;
    this.#waiting = [];
    this.#lost(error instanceof Error ? error.message : String(error));
  }

  #lost(why: string): void {
    this.#complain(`Cannot log to syslog at ${formatEndpoint(this.#settings.server)}: ${why}`);
  }

  flush(): void {}

  /** A fresh socket, for a syslog daemon whose unix socket was replaced. */
  reopen(): void {
    if (this.#opening) return;
    this.#socket?.close();
    this.#socket = null;
    this.#open();
  }

  close(): void {
    this.#closed = true;
    this.#socket?.close();
    this.#socket = null;
  }
}

function familyOf(server: Endpoint): DatagramOptions["family"] {
  if (server.is === "unix") return "unix";
  return server.address.includes(":") ? 6 : 4;
}

/** `Aug  5 09:05:00`, local time; RFC 3164 section 4.1.2 pads the day with a space, as nginx does. */
export function syslogTime(ms: number): string {
  const at = new Date(ms);
  const day = String(at.getDate()).padStart(2, " ");
  const time = `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
  return `${MONTHS[at.getMonth()]} ${day} ${time}`;
}
