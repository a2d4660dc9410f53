/**
 * Where rendered log lines go: a file or standard error (`syslog.ts` has the third kind).
 *
 * Writes are batched: lines of one event-loop turn leave in one system call, which is what keeps
 * logging at `info` cheap under load. A grave line, a full batch and `flush` do not wait.
 */

import type { ByteString } from "../core/bytes.ts";
import { encode, toDisplay } from "../core/bytes.ts";
import { errnoText, FileError } from "../core/errors.ts";
import { LOG_BATCH } from "../core/limits.ts";
import { type Level, LEVELS } from "../core/log.ts";
import type { Appender, Clock, Files, Host, Timer } from "../net/ports.ts";

export interface Sink {
  /** `line` has no line end. */
  write(line: ByteString, level: Level): void;
  /** Everything written so far has been handed to the system when it returns. */
  flush(): void;
  /** After a rotation. Throws `FileError` when the file cannot be opened again; the old one is kept. */
  reopen(): void;
  /** Flushes first. What sessions still say while they are being closed is lost. */
  close(): void;
}

/** Lines gravely enough to be seen even if the process dies next. */
const URGENT = LEVELS.indexOf("error");

/** Gathers lines and hands them on as one text, each line ended by LF. */
abstract class BatchSink implements Sink {
  readonly #clock: Clock;
  #batch: ByteString = "";
  #timer: Timer | null = null;
  #closed = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  protected abstract put(text: ByteString): void;
  abstract reopen(): void;

  write(line: ByteString, level: Level): void {
    if (this.#closed) return;
    this.#batch += line + "\n";
    if (LEVELS.indexOf(level) <= URGENT || this.#batch.length >= LOG_BATCH) this.flush();
    else this.#timer ??= this.#clock.after(0, () => this.flush());
  }

  flush(): void {
    this.#timer?.cancel();
    this.#timer = null;
    if (this.#batch === "") return;
    const text = this.#batch;
    this.#batch = "";
    this.put(text);
  }

  close(): void {
    this.flush();
    this.#closed = true;
  }
}

export class StderrSink extends BatchSink {
  readonly #host: Host;

  constructor(clock: Clock, host: Host) {
    super(clock);
    this.#host = host;
  }

  protected override put(text: ByteString): void {
    this.#host.writeErr(toDisplay(text));
  }

  override reopen(): void {}
}

export class FileSink extends BatchSink {
  readonly #path: string;
  readonly #appender: Appender;
  readonly #complain: (text: string) => void;
  #failing = false;

  /** Throws `FileError` when the file cannot be opened. `complain` gets one sentence a failure. */
  constructor(path: string, files: Files, clock: Clock, complain: (text: string) => void) {
    super(clock);
    this.#path = path;
    this.#appender = files.append(path);
    this.#complain = complain;
  }

  /** A full disk must not take the proxy down: the lines are lost, and it is said once. */
  protected override put(text: ByteString): void {
    try {
      this.#appender.write(encode(text));
      this.#failing = false;
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      if (!this.#failing) {
        this.#complain(`Cannot write log "${this.#path}": ${errnoText(error.code)}`);
      }
      this.#failing = true;
    }
  }

  override reopen(): void {
    this.flush();
    this.#appender.reopen();
  }

  override close(): void {
    super.close();
    this.#appender.close();
  }
}
