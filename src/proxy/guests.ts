/**
 * Who is in: the client connections of one configuration, from admission to the end of their relays.
 *
 * Not a Set: what stores a Set's members is made anew as they come and go, and each old store keeps the
 * next alive, with everybody who was in it, until the next full collection of garbage. Seats in an array
 * cost less, too.
 */

/** A client connection, whatever stage it is in. */
export interface Guest {
  /** Where it sits; `Guests` alone writes it. */
  seat: number;
  /** How many connections it holds, if not one. */
  readonly sides?: number;
  /** The proxy is draining: leave soon if nothing of value is under way. */
  retire(): void;
  /** Leave now. */
  evict(): void;
  /** The same because `worker_shutdown_timeout` has passed, where the log has a word for it. */
  overstay?(): void;
}

/** What a guest's `seat` is before it comes in. */
export const NO_SEAT = -1;

export class Guests {
  readonly #seats: Guest[] = [];

  get size(): number {
    return this.#seats.length;
  }

  /** As they are now: they may leave while the list is read. */
  all(): readonly Guest[] {
    return [...this.#seats];
  }

  add(guest: Guest): void {
    guest.seat = this.#seats.length;
    this.#seats.push(guest);
  }

  /** A guest moves to its next stage. */
  replace(before: Guest, after: Guest): void {
    if (!this.#has(before)) return this.add(after);
    after.seat = before.seat;
    this.#seats[after.seat] = after;
    before.seat = NO_SEAT;
  }

  /** False when it was not in. */
  delete(guest: Guest): boolean {
    if (!this.#has(guest)) return false;
    const last = this.#seats.pop()!;
    if (last !== guest) {
      last.seat = guest.seat;
      this.#seats[last.seat] = last;
    }
    guest.seat = NO_SEAT;
    return true;
  }

  #has(guest: Guest): boolean {
    return guest.seat !== NO_SEAT && this.#seats[guest.seat] === guest;
  }
}
