/**
 * The `error_log` directive: any number of destinations, each with its own level (nginx: a line goes
 * to every destination whose level is at least as fine as the line's).
 *
 *     const logs = openLogs(settings.global.error_log, runtime);   // throws FileError
 *     logs.write({ level: "info", message: "client logged in" }, context);
 *     const own = logs.open(server.error_log);                     // a server block's own logs
 *     logs.reopen();                                               // SIGUSR1, all of them
 *     logs.close();                                                // flushes, all of them
 *
 * A destination named twice is opened once. One that a reload no longer names stays open until the
 * end: sessions that began before go on writing to it, as nginx's old workers do.
 */

import type { ErrorLog } from "../config/settings.ts";
import { errnoText, FileError } from "../core/errors.ts";
import { type Level, LEVELS, type Log, type LogContext, type LogEvent } from "../core/log.ts";
import { formatEndpoint } from "../net/address.ts";
import type { Runtime } from "../net/ports.ts";
import { formatLine, timestamp } from "./line.ts";
import { FileSink, type Sink, StderrSink } from "./sink.ts";
import { SyslogSink } from "./syslog.ts";

/** The main log, and the ways to every other one. */
export interface Logs extends Log {
  /** Another log over the same destinations or others. Throws `FileError`; then nothing was opened. */
  open(destinations: readonly ErrorLog[]): Log;
  /** From now on the main log goes there. Throws `FileError`; then it goes where it went. */
  redirect(destinations: readonly ErrorLog[]): void;
  /** Opens files anew after a rotation; what cannot be opened stays and is reported in the main log. */
  reopen(): void;
  flush(): void;
  /** Flushes first. What is written afterwards is lost. */
  close(): void;
}

/** Of a configuration that names none: the table's default, spelled out. */
const DEFAULT: readonly ErrorLog[] = [{ destination: { is: "stderr" }, level: "error" }];

/** Throws the `FileError` of the first file that cannot be opened; those opened before are closed. */
export function openLogs(destinations: readonly ErrorLog[], runtime: Runtime): Logs {
  return new OpenLogs(destinations, runtime);
}

interface Outlet {
  readonly sink: Sink;
  /** Index in `LEVELS` of the finest level that it takes. */
  readonly threshold: number;
}

class OpenLogs implements Logs {
  readonly #runtime: Runtime;
  readonly #stamp: Stamp;
  readonly #sinks = new Map<string, Sink>();
  #main: Log;

  constructor(destinations: readonly ErrorLog[], runtime: Runtime) {
    this.#runtime = runtime;
    this.#stamp = new Stamp(runtime);
    this.#main = this.open(destinations);
  }

  enabled(level: Level): boolean {
    return this.#main.enabled(level);
  }

  write(event: LogEvent, context?: LogContext): void {
    this.#main.write(event, context);
  }

  open(destinations: readonly ErrorLog[]): Log {
    const opened: string[] = [];
    try {
      const named = destinations.length === 0 ? DEFAULT : destinations;
      const outlets = named.map((entry) => ({
        sink: this.#sink(entry.destination, opened),
        threshold: LEVELS.indexOf(entry.level),
      }));
      return new LineLog(outlets, this.#stamp);
    } catch (error) {
      for (const key of opened) {
        this.#sinks.get(key)?.close();
        this.#sinks.delete(key);
      }
      throw error;
    }
  }

  redirect(destinations: readonly ErrorLog[]): void {
    this.#main = this.open(destinations);
  }

  /** The sink of a destination; the key of one that is made here is added to `opened`. */
  #sink(destination: ErrorLog["destination"], opened: string[]): Sink {
    const key = keyOf(destination);
    const known = this.#sinks.get(key);
    if (known) return known;
    const made = makeSink(destination, this.#runtime);
    this.#sinks.set(key, made);
    opened.push(key);
    return made;
  }

  reopen(): void {
    for (const sink of this.#sinks.values()) {
      try {
        sink.reopen();
      } catch (error) {
        if (!(error instanceof FileError)) throw error;
        const message = `Cannot reopen log "${error.path}": ${errnoText(error.code)}`;
        this.write({ level: "emerg", message });
      }
    }
  }

  flush(): void {
    for (const sink of this.#sinks.values()) sink.flush();
  }

  close(): void {
    for (const sink of this.#sinks.values()) sink.close();
  }
}

function keyOf(destination: ErrorLog["destination"]): string {
  switch (destination.is) {
    case "stderr":
      return "stderr";
    case "file":
      return `file ${destination.path}`;
    case "syslog": {
      const { server, facility, tag, nohostname } = destination;
      return `syslog ${formatEndpoint(server)} ${facility} ${tag} ${nohostname}`;
    }
  }
}

function makeSink(destination: ErrorLog["destination"], runtime: Runtime): Sink {
  // The last resort of a log that fails is the terminal, as in nginx.
  const complain = (text: string) => runtime.host.writeErr(`doorpost: ${text}\n`);
  switch (destination.is) {
    case "stderr":
      return new StderrSink(runtime.clock, runtime.host);
    case "file":
      return new FileSink(destination.path, runtime.files, runtime.clock, complain);
    case "syslog":
      return new SyslogSink(destination, runtime, complain);
  }
}

class LineLog implements Log {
  readonly #outlets: readonly Outlet[];
  readonly #stamp: Stamp;
  /** Index in `LEVELS` of the finest level that anyone reads. */
  readonly #finest: number;

  constructor(outlets: readonly Outlet[], stamp: Stamp) {
    this.#outlets = outlets;
    this.#stamp = stamp;
    this.#finest = Math.max(...outlets.map((outlet) => outlet.threshold));
  }

  enabled(level: Level): boolean {
    return LEVELS.indexOf(level) <= this.#finest;
  }

  write(event: LogEvent, context?: LogContext): void {
    const rank = LEVELS.indexOf(event.level);
    if (rank > this.#finest) return;
    const line = formatLine(event, context, this.#stamp.now(), this.#stamp.pid);
    for (const outlet of this.#outlets) {
      if (rank <= outlet.threshold) outlet.sink.write(line, event.level);
    }
  }
}

/** The stamp changes once a second; making it costs more than the rest of a line. */
class Stamp {
  readonly pid: number;
  readonly #runtime: Runtime;
  #second = -1;
  #text = "";

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
    this.pid = runtime.host.pid;
  }

  now(): string {
    const ms = this.#runtime.clock.now();
    const second = Math.floor(ms / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#text = timestamp(ms);
    }
    return this.#text;
  }
}
