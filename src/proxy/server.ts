/**
 * The proxy as a whole: binds, admits, reloads, drains. A reload prepares everything that can fail
 * first; then sockets that stay are handed over without being closed, so no connection is lost.
 */

import type { ServerSettings, Settings } from "../config/settings.ts";
import { HttpAuthenticator } from "../auth/http.ts";
import type { Diagnostic } from "../core/diagnostic.ts";
import { NetError } from "../core/errors.ts";
import { type Endpoint, formatEndpoint } from "../net/address.ts";
import type { Listener, Runtime } from "../net/ports.ts";
import { Resolver } from "../net/resolver.ts";
import { Deadline, Wheel } from "../net/wheel.ts";
import type { Logs } from "../observe/logs.ts";
import { prepareProtocol } from "../session/protocols.ts";
import { admit, type Door } from "./admit.ts";
import { doorFor, type Entry, type Gate, planGates } from "./gates.ts";
import { type House, type Service } from "./service.ts";
import { serverTls } from "./tls.ts";

export interface ProxyOptions {
  readonly runtime: Runtime;
  readonly settings: Settings;
  /** Where each server's `error_log` is opened. */
  readonly log: Pick<Logs, "open">;
}

export interface Listening {
  readonly at: Endpoint;
  readonly protocol: string;
  /** TLS from the first byte. */
  readonly ssl: boolean;
}

export interface Proxy {
  readonly listening: readonly Listening[];
  /** Findings that did not keep it from starting. */
  readonly warnings: readonly Diagnostic[];
  /** Client connections open now. */
  readonly connections: number;
  /** Rejects with a `StartError`, everything being as before. */
  reload(settings: Settings): Promise<void>;
  /** Stops accepting and resolves when the last session is over, or `worker_shutdown_timeout` has passed. */
  drain(): Promise<void>;
  /** Closes everything now. */
  stop(): Promise<void>;
}

/** Why the proxy could not start (or reload): findings about the configuration, or one sentence. */
export class StartError extends Error {
  override readonly name = "StartError";
  readonly findings: readonly Diagnostic[];

  constructor(message: string, findings: readonly Diagnostic[] = []) {
    super(message);
    this.findings = findings;
  }
}

/** Rejects with a `StartError`; nothing is left open then. */
export async function startProxy(options: ProxyOptions): Promise<Proxy> {
  const proxy = new RunningProxy(options.runtime, options.log);
  await proxy.reload(options.settings);
  return proxy;
}

/** One configuration, ready to serve. */
interface Generation {
  readonly settings: Settings;
  readonly gates: readonly Gate[];
  readonly services: readonly Service[];
  readonly warnings: readonly Diagnostic[];
}

/** A bound socket; its gate is exchanged by a reload. */
interface Bound {
  readonly listener: Listener;
  gate: Gate;
}

class RunningProxy implements Proxy {
  readonly #log: Pick<Logs, "open">;
  readonly #house: House;
  #bound: Map<string, Bound> = new Map();
  #generation: Generation | null = null;

  constructor(runtime: Runtime, log: Pick<Logs, "open">) {
    this.#log = log;
    this.#house = {
      runtime,
      wheel: new Wheel(runtime.clock),
      open: new Set(),
      empty: null,
      connections: 0,
    };
  }

  get listening(): readonly Listening[] {
    return [...this.#bound.values()].map(({ listener, gate }) => ({
      at: listener.at,
      protocol: gate.fallback.service.protocol.name,
      ssl: gate.fallback.ssl,
    }));
  }

  get warnings(): readonly Diagnostic[] {
    return this.#generation?.warnings ?? [];
  }

  get connections(): number {
    return this.#house.open.size;
  }

  async reload(settings: Settings): Promise<void> {
    const next = prepare(settings, this.#house, this.#log);
    const bound = await this.#bind(next).catch((error) => {
      close(next);
      throw error;
    });
    for (const [key, { listener }] of this.#bound) {
      if (!bound.has(key)) await listener.close();
    }
    const before = this.#generation;
    this.#bound = bound;
    this.#generation = next;
    if (before) close(before);
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
      for (const { listener } of fresh) await listener.close();
      throw error;
    }
    for (const gate of next.gates) bound.get(gate.key)!.gate = gate;
    return bound;
  }

  async #open(gate: Gate): Promise<Bound> {
    const bound: { listener: Listener | null; gate: Gate } = { listener: null, gate };
    try {
      const { runtime } = this.#house;
      bound.listener = await runtime.listen(gate.at, gate.options, (connection) => {
        admit(connection, doorFor(bound.gate, connection));
      });
    } catch (error) {
      if (!(error instanceof NetError)) throw error;
      throw new StartError(`Cannot bind ${formatEndpoint(gate.at)}: ${error.message}`);
    }
    return bound as Bound;
  }

  async drain(): Promise<void> {
    await this.#closeListeners();
    for (const guest of [...this.#house.open]) guest.retire();
    if (this.#house.open.size > 0) await this.#emptied();
    this.#end();
  }

  /** Resolves when nobody is left; after `worker_shutdown_timeout` those who are left are put out. */
  #emptied(): Promise<void> {
    const patience = this.#generation?.settings.global.worker_shutdown_timeout ?? null;
    return new Promise((resolve) => {
      const deadline = new ShutdownDeadline(() => this.#evictAll());
      this.#house.empty = () => {
        this.#house.wheel.disarm(deadline);
        resolve();
      };
      if (patience !== null) this.#house.wheel.arm(deadline, patience);
    });
  }

  #evictAll(): void {
    for (const guest of [...this.#house.open]) guest.evict();
  }

  async stop(): Promise<void> {
    await this.#closeListeners();
    this.#evictAll();
    this.#end();
  }

  async #closeListeners(): Promise<void> {
    const open = [...this.#bound.values()];
    this.#bound.clear();
    for (const { listener } of open) await listener.close();
  }

  #end(): void {
    if (this.#generation) close(this.#generation);
    this.#generation = null;
  }
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
    findings.push(...tls.findings);
    const service: Service = {
      settings: server,
      protocol: prepareProtocol(server.protocol, server),
      authenticator: new HttpAuthenticator({
        runtime: house.runtime,
        wheel: house.wheel,
        settings: server,
        keepalive: "auto",
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
  const errors = findings.filter((finding) => finding.severity === "error");
  if (errors.length > 0) throw new StartError("The configuration cannot be used", findings);
  return { settings, services, gates: planGates(entries), warnings: findings };
}

function doorOf(service: Service, listen: ServerSettings["listen"][number]): Door {
  return { service, text: listen.text, ssl: listen.ssl, proxyProtocol: listen.proxy_protocol };
}

function close(generation: Generation): void {
  for (const service of generation.services) service.authenticator.close();
}
