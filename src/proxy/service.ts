/** What all sessions of one `server` block share. */

import type { Log } from "../core/log.ts";
import type { ServerSettings } from "../config/settings.ts";
import type { Runtime, TlsContext } from "../net/ports.ts";
import type { Resolver } from "../net/resolver.ts";
import type { Wheel } from "../net/wheel.ts";
import type { Capacity } from "./capacity.ts";
import type { Guest, Guests } from "./guests.ts";
import type { Authenticator } from "../session/machine.ts";
import type { Protocol } from "../session/protocols.ts";

export interface Service {
  readonly settings: ServerSettings;
  readonly protocol: Protocol;
  readonly authenticator: Authenticator;
  /** Null: neither `ssl` nor `starttls`. */
  readonly tls: TlsContext | null;
  /** Null: no `resolver`, clients have no names. */
  readonly resolver: Resolver | null;
  readonly log: Log;
  readonly house: House;
}

/** What all services of one configuration share; all but its guests is the whole process's. */
export interface House {
  readonly runtime: Runtime;
  readonly wheel: Wheel;
  /** Every client connection that is open, from admission to the end of its relay. */
  readonly open: Guests;
  readonly capacity: Capacity;
  /** Called when the last guest has left. */
  empty: (() => void) | null;
  /** nginx's connection counter, `*1` in log lines. */
  readonly counter: { connections: number };
}

export function enter(house: House, guest: Guest): void {
  house.open.add(guest);
  house.capacity.inUse += guest.sides ?? 1;
}

/** A guest moves to its next stage. */
export function replace(house: House, before: Guest, after: Guest): void {
  house.open.replace(before, after);
}

export function leave(house: House, guest: Guest): void {
  if (!house.open.delete(guest)) return;
  house.capacity.inUse -= guest.sides ?? 1;
  if (house.open.size === 0) house.empty?.();
}
