/**
 * The proxy as a whole: binds, admits, reloads, drains. A reload prepares everything that can fail
 * first; then sockets that stay are handed over without being closed, so no connection is lost.
 */

import type { ServerSettings, Settings } from "../config/settings.ts";
import { HttpAuthenticator } from "../auth/http.ts";
import type { Diagnostic } from "../core/diagnostic.ts";
import { NetError } from "../core/errors.ts";
import { LAST_LINES_MS } from "../core/limits.ts";
import type { Endpoint } from "../net/address.ts";
import type { Connection, Listener, ListenOptions, Runtime } from "../net/ports.ts";
import { Resolver } from "../net/resolver.ts";
import { Deadline } from "../net/wheel.ts";
import { logFindings } from "../observe/log-support.ts";
import type { Logs } from "../observe/logs.ts";
import { prepareProtocol } from "../session/protocols.ts";
import { admit, type Door } from "./admit.ts";
import { doorFor, type Entry, type Gate, planGates } from "./gates.ts";
import type { Guest } from "./guests.ts";
import { type House, newHouse, nextHouse, type Service } from "./service.ts";
import { listenFindings } from "./listen-support.ts";
import { sharingFindings } from "./socket-options.ts";
import { distinct } from "./tls/findings.ts";
import { serverTls } from "./tls.ts";

/** What a proxy is made of. */
export interface ProxyOptions {
  readonly runtime: Runtime;
  readonly settings: Settings;
  /** Where each server's `error_log` is opened. */
  readonly log: Pick<Logs, "open">;
  /** Sockets that another process has bound; without it the proxy binds its own. */
  readonly inherited?: Inherited;
}

/** Descriptors to accept on, by the key of their gate. They stay open when accepting ends. */
export type Inherited = ReadonlyMap<string, readonly number[]>;

/**
 * What clients that have not logged in learn of a drain: `told` at once that it is over, so that they
 * try again elsewhere; `untold` nothing, when others accept in this process's stead.
 */
export type DrainManner = "told" | "untold";

/** An address that clients are accepted at. */
export interface Listening {
  readonly at: Endpoint;
  readonly protocol: string;
  /** TLS from the first byte. */
  readonly ssl: boolean;
}

/** A proxy that accepts clients. */
export interface Proxy {
  readonly listening: readonly Listening[];
  /** Findings that did not keep it from starting. */
  readonly warnings: readonly Diagnostic[];
  /** Client connections open now. */
  readonly connections: number;
  /** Rejects with a `StartError`, everything being as before. */
  reload(settings: Settings): Promise<void>;
  /**
   * Stops accepting and resolves when the last session is over, or `worker_shutdown_timeout` has passed.
   * Called again, it may tell those who were not told.
   */
  drain(manner?: DrainManner): Promise<void>;
  /** Accepts on further descriptors of its gates until the result is called. */
  cover(more: Inherited): Promise<() => Promise<void>>;
  /** Closes everything now. */
  stop(): Promise<void>;
}

/** Why the proxy could not start (or reload): findings about the configuration, or one sentence. */
export class StartError extends Error {
  override readonly name = "StartError";
  readonly findings: readonly Diagnostic[];
  /** How to mend what the sentence says; may be empty. */
  readonly hint: string;

  constructor(message: string, findings: readonly Diagnostic[] = [], hint = "") {
    super(message);
    this.findings = findings;
    this.hint = hint;
  }
}

/** Rejects with a `StartError`; nothing is left open then. */
export async function startProxy(options: ProxyOptions): Promise<Proxy> {
  const proxy = new RunningProxy(options);
  await proxy.reload(options.settings);
  return proxy;
}

/** A configuration that would serve, as far as can be told without listening. */
export interface Rehearsal {
  readonly gates: readonly (Pick<Gate, "key" | "at" | "options"> & Omit<Listening, "at">)[];
  readonly warnings: readonly Diagnostic[];
}

/** All of `startProxy` but the sockets. Throws a `StartError`. */
export function rehearse({ runtime, settings, log }: ProxyOptions): Rehearsal {
  const generation = prepare(settings, newHouse(runtime), log);
  close(generation);
  const gates = generation.gates.map((gate) => {
    const { key, at, options } = gate;
    return { key, at, options, ...appearance(gate) };
  });
  return { gates, warnings: generation.warnings };
}

function appearance({ fallback }: Gate): Omit<Listening, "at"> {
  return { protocol: fallback.service.protocol.name, ssl: fallback.ssl };
}

/** One configuration, ready to serve. */
interface Generation {
  readonly settings: Settings;
  readonly house: House;
  readonly gates: readonly Gate[];
  readonly services: readonly Service[];
  readonly warnings: readonly Diagnostic[];
}

/** A gate's sockets; the gate is exchanged by a reload. */
interface Bound {
  readonly listeners: Listener[];
  gate: Gate;
}

class RunningProxy implements Proxy {
  readonly #log: Pick<Logs, "open">;
  readonly #house: House;
  readonly #inherited: Inherited | undefined;
  #bound: Map<string, Bound> = new Map();
  #generation: Generation | null = null;
  /** Of earlier configurations, as long as they have guests. */
  readonly #elders: Set<House> = new Set();
  /** Set by the first drain. */
  #closed: Promise<void> | null = null;
  #empty: Promise<void> | null = null;

  constructor({ runtime, log, inherited }: ProxyOptions) {
    this.#log = log;
    this.#house = newHouse(runtime);
    this.#inherited = inherited;
  }

  get listening(): readonly Listening[] {
    return [...this.#bound.values()].map(({ listeners, gate }) => ({
      at: listeners[0]?.at ?? gate.at,
      ...appearance(gate),
    }));
  }

  get warnings(): readonly Diagnostic[] {
    return this.#generation?.warnings ?? [];
  }

  get connections(): number {
    return this.#houses().reduce((sum, { open }) => sum + open.size, 0);
  }

  #houses(): readonly House[] {
    return [...this.#elders, ...(this.#generation ? [this.#generation.house] : [])];
  }

  async reload(settings: Settings): Promise<void> {
    const next = prepare(settings, nextHouse(this.#house), this.#log);
    const bound = await this.#bind(next).catch((error) => {
      close(next);
      throw error;
    });
    for (const [key, { listeners }] of this.#bound) {
      if (!bound.has(key)) await closeAll(listeners);
    }
    const before = this.#generation;
    this.#bound = bound;
    this.#generation = next;
    this.#house.capacity.most = settings.global.worker_connections;
    if (!before) return;
    close(before);
    this.#retire(before);
  }

  /** Sessions of an earlier configuration live on, for its `worker_shutdown_timeout` at most. */
  #retire({ house, settings }: Generation): void {
    if (house.open.size === 0) return;
    this.#elders.add(house);
    this.#emptied(house, settings).then(() => this.#elders.delete(house));
  }

  /** Sockets for the generation: those that are open already are taken over. */
  async #bind(next: Generation): Promise<Map<string, Bound>> {
    const bound = new Map<string, Bound>();
    const fresh: Bound[] = [];
    try {
      for (const gate of next.gates) {
        const open = this.#bound.get(gate.key) ?? await this.#open(gate);
        if (!this.#bound.has(gate.key)) fresh.push(open);
        bound.set(gate.key, open);
      }
    } catch (error) {
      for (const { listeners } of fresh) await closeAll(listeners);
      throw error;
    }
    for (const gate of next.gates) {
      const open = bound.get(gate.key)!;
      open.gate = gate;
      if (!gate.options.secure) { for (const listener of open.listeners) listener.relax?.(); }
    }
    return bound;
  }

  async #open(gate: Gate): Promise<Bound> {
    const bound: Bound = { listeners: [], gate };
    try {
      if (!this.#inherited) await this.#listen(bound, {});
      for (const descriptor of this.#inherited?.get(gate.key) ?? []) {
        await this.#listen(bound, { descriptor, keepDescriptor: true });
      }
    } catch (error) {
      await closeAll(bound.listeners);
      if (!(error instanceof NetError)) throw error;
      // The runtime's own words begin with what it could not do.
      throw new StartError(error.message);
    }
    return bound;
  }

  async #listen(bound: Bound, more: ListenOptions): Promise<Listener> {
    const { at, options } = bound.gate;
    const listener = await this.#house.runtime.listen(at, { ...options, ...more }, (connection) => {
      this.#arrive(connection, doorFor(bound.gate, connection));
    });
    bound.listeners.push(listener);
    return listener;
  }

  #arrive(connection: Connection, door: Door): void {
    const { capacity } = this.#house;
    if (!capacity.full) return admit(connection, door);
    const complaint = capacity.complaint();
    if (complaint) door.service.log.write(complaint);
    connection.destroy();
  }

  async cover(more: Inherited): Promise<() => Promise<void>> {
    const covered: Listener[] = [];
    for (const [key, descriptors] of more) {
      const bound = this.#bound.get(key);
      for (const descriptor of bound ? descriptors : []) {
        covered.push(await this.#listen(bound!, { descriptor, keepDescriptor: true }));
      }
    }
    return () => closeAll(covered);
  }

  async drain(manner: DrainManner = "told"): Promise<void> {
    await (this.#closed ??= this.#closeListeners());
    if (manner === "told") {
      for (const guest of this.#guests()) guest.retire();
    }
    const { settings = null } = this.#generation ?? {};
    await (this.#empty ??= Promise.all(
      this.#houses().map((house) => this.#emptied(house, settings)),
    ).then(() => {}));
    this.#end();
  }

  #guests(): readonly Guest[] {
    return this.#houses().flatMap(({ open }) => open.all());
  }

  /** Resolves when nobody is left; after `worker_shutdown_timeout` those who are left are put out. */
  #emptied(house: House, settings: Settings | null): Promise<void> {
    return gone(house, settings?.global.worker_shutdown_timeout ?? null, () => {
      for (const guest of house.open.all()) guest.overstay ? guest.overstay() : guest.evict();
    });
  }

  #evictAll(): void {
    for (const guest of this.#guests()) guest.evict();
  }

  async stop(): Promise<void> {
    await this.#closeListeners();
    this.#evictAll();
    // Some runtimes tell of a connection's end a moment later, and each has its last line in the log.
    await Promise.all(
      this.#houses().map((house) =>
        new Promise<void>((resolve) => void gone(house, LAST_LINES_MS, resolve).then(resolve))
      ),
    );
    this.#end();
  }

  async #closeListeners(): Promise<void> {
    const open = [...this.#bound.values()];
    this.#bound.clear();
    for (const { listeners } of open) await closeAll(listeners);
  }

  #end(): void {
    if (this.#generation) close(this.#generation);
    this.#generation = null;
  }
}

/** Resolves when nobody is left in the house; calls `late` once if that takes longer than `patience`. */
function gone(house: House, patience: number | null, late: () => void): Promise<void> {
  if (house.open.size === 0) return Promise.resolve();
  return new Promise((resolve) => {
    const deadline = new ShutdownDeadline(late);
    const before = house.empty;
    house.empty = () => {
      house.wheel.disarm(deadline);
      before?.();
      resolve();
    };
    if (patience !== null) house.wheel.arm(deadline, patience);
  });
}

class ShutdownDeadline extends Deadline {
  readonly #run: () => void;

  constructor(run: () => void) {
    super();
    this.#run = run;
  }

  override expired(): void {
    this.#run();
  }
}

/** Everything about a configuration that can fail without touching a socket. */
function prepare(settings: Settings, house: House, log: Pick<Logs, "open">): Generation {
  const findings: Diagnostic[] = [];
  const entries: Entry[] = [];
  const services: Service[] = [];
  for (const server of settings.servers) {
    const tls = serverTls(server, house.runtime);
    findings.push(...tls.findings, ...listenFindings(server, house.runtime));
    const service: Service = {
      settings: server,
      protocol: prepareProtocol(server.protocol, server),
      authenticator: new HttpAuthenticator({
        runtime: house.runtime,
        wheel: house.wheel,
        settings: server,
      }),
      tls: tls.context,
      resolver: server.resolver &&
        new Resolver(house.runtime, server.resolver, server.resolver_timeout),
      log: log.open(server.error_log),
      house,
    };
    services.push(service);
    for (const listen of server.listen) entries.push({ listen, door: doorOf(service, listen) });
  }
  findings.push(...sharingFindings(settings.servers), ...logFindings(settings, house.runtime));
  const told = distinct(findings);
  const errors = told.filter((finding) => finding.severity === "error");
  if (errors.length > 0) throw new StartError("The configuration cannot be used", told);
  return { settings, house, services, gates: planGates(entries), warnings: told };
}

function doorOf(service: Service, listen: ServerSettings["listen"][number]): Entry["door"] {
  return { service, ssl: listen.ssl, proxyProtocol: listen.proxy_protocol };
}

async function closeAll(listeners: readonly Listener[]): Promise<void> {
  for (const listener of listeners) await listener.close();
}

function close(generation: Generation): void {
  for (const service of generation.services) service.authenticator.close();
}
