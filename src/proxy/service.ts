/** What all sessions of one `server` block share. */

import type { Log } from "../core/log.ts";
import type { ServerSettings } from "../config/settings.ts";
import type { Runtime, TlsContext } from "../net/ports.ts";
import type { Resolver } from "../net/resolver.ts";
import { Wheel } from "../net/wheel.ts";
import { Capacity } from "./capacity.ts";
import { type Guest, Guests } from "./guests.ts";
import type { Authenticator } from "../session/machine.ts";
import type { Protocol } from "../session/protocols.ts";
import { type Counter, Thrift } from "./thrift.ts";

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
  readonly counter: Counter;
  readonly thrift: Thrift;
}

export function newHouse(runtime: Runtime): House {
  const wheel = new Wheel(runtime.clock);
  const capacity = new Capacity(runtime.clock);
  const counter = { connections: 0 };
  const thrift = new Thrift(runtime.host, wheel, capacity, counter);
  return { runtime, wheel, open: new Guests(), capacity, empty: null, counter, thrift };
}

/** The same process for the next configuration, with no guests yet. */
export function nextHouse(house: House): House {
  return { ...house, open: new Guests(), empty: null };
}

export function enter(house: House, guest: Guest): void {
  house.open.add(guest);
  house.capacity.inUse += guest.sides ?? 1;
  if (house.capacity.inUse >= house.thrift.crowd) house.thrift.watch();
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
