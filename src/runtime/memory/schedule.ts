/**
 * The order of events in the memory runtime: tasks run one by one, first in first out, each in a
 * microtask of its own. So every run of a test is the same run, and no callback is ever called from
 * within the call that caused it.
 */

import { setImmediate } from "node:timers";

/** Tasks in a row before timers get a turn, so that two peers in a loop do not outlive a time-out. */
const BURST = 10_000;

export class Scheduler {
  readonly #tasks: (() => void)[] = [];
  #running = false;
  /** Tasks ever posted: what `settle` watches. */
  #posted = 0;
  #later = 0;
  #burst = 0;

  /** Runs the task after all that were posted before. */
  post(task: () => void): void {
    this.#posted++;
    this.#tasks.push(task);
    if (this.#running) return;
    this.#running = true;
    queueMicrotask(this.#turn);
  }

  /** Posts the task once every promise that is settled now has told all who await it. */
  later(task: () => void): void {
    this.#later++;
    setImmediate(() => {
      this.#later--;
      this.post(task);
    });
  }

  /** Resolves when nothing is left to do, however many promises it went through. */
  async settle(): Promise<void> {
    for (let seen = -1; seen !== this.#posted || this.#running || this.#later > 0;) {
      seen = this.#posted;
      // Microtasks of any depth are done before this comes.
      await new Promise<void>((resolve) => void setImmediate(resolve));
    }
  }

  #turn = (): void => {
    const task = this.#tasks.shift();
    try {
      task?.();
    } finally {
      this.#next();
    }
  };

  #next(): void {
    if (this.#tasks.length === 0) {
      this.#running = false;
      this.#burst = 0;
    } else if (++this.#burst < BURST) {
      queueMicrotask(this.#turn);
    } else {
      this.#burst = 0;
      setImmediate(this.#turn);
    }
  }
}
