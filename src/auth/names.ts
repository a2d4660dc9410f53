/**
 * Where an auth server is: the endpoints of an `auth_http` URL. nginx resolves the name once, at the
 * start, and uses its first address for ever; here it is looked up again every `AUTH_NAME_MS`, and
 * an address that fails goes to the end of the list.
 */

import { AUTH_NAME_MS } from "../core/limits.ts";
import { NetError } from "../core/errors.ts";
import { type Endpoint, formatEndpoint, ip } from "../net/address.ts";
import type { Runtime } from "../net/ports.ts";
import type { AuthHttpUrl } from "../config/settings.ts";

export interface Target {
  readonly at: Endpoint;
  /** As log lines name it: `127.0.0.1:9000`, `unix:/run/auth.sock`. */
  readonly peer: string;
}

export class AuthAddresses {
  /** The server as it was configured, for when it has no address. */
  readonly name: string;

  readonly #runtime: Pick<Runtime, "clock" | "host">;
  readonly #host: string | null;
  readonly #port: number;
  #targets: readonly Target[];
  #lookedUp = -Infinity;
  #lookup: Promise<readonly Target[]> | null = null;

  constructor(url: AuthHttpUrl, runtime: Pick<Runtime, "clock" | "host">) {
    this.#runtime = runtime;
    const at = url.at;
    this.#host = at.is === "name" ? at.host : null;
    this.#port = at.is === "name" ? at.port : 0;
    this.#targets = at.is === "name" ? [] : [target(at)];
    this.name = at.is === "name" ? `${at.host}:${at.port}` : formatEndpoint(at);
  }

  /** The addresses to try, best first; null when they must be looked up. */
  known(): readonly Target[] | null {
    if (this.#host === null) return this.#targets;
    const fresh = this.#runtime.clock.monotonic() - this.#lookedUp < AUTH_NAME_MS;
    return fresh && this.#targets.length > 0 ? this.#targets : null;
  }

  /** Looks the name up, once for all who ask meanwhile. Rejects with a `NetError`. */
  find(): Promise<readonly Target[]> {
    this.#lookup ??= this.#refresh().finally(() => this.#lookup = null);
    return this.#lookup;
  }

  async #refresh(): Promise<readonly Target[]> {
    try {
      const addresses = await this.#runtime.host.lookup(this.#host!);
      if (addresses.length === 0) throw new NetError("ENOTFOUND", "host not found");
      this.#learn([...new Set(addresses)]);
    } catch (error) {
      // A resolver that is down does not make the server that was there a moment ago go away.
      if (this.#targets.length === 0) throw error;
    }
    this.#lookedUp = this.#runtime.clock.monotonic();
    return this.#targets;
  }

  /** Unchanged addresses keep their order: the one that answers stays in front. */
  #learn(addresses: readonly string[]): void {
    const targets = addresses.map((address) => target(ip(address, this.#port)));
    const peers = new Set(this.#targets.map(({ peer }) => peer));
    const same = targets.length === peers.size && targets.every(({ peer }) => peers.has(peer));
    if (!same) this.#targets = targets;
  }

  /** It refused or did not answer: others are tried first from now on. */
  failed(bad: Target): void {
    if (this.#targets[0] !== bad || this.#targets.length < 2) return;
    this.#targets = [...this.#targets.slice(1), bad];
  }
}

function target(at: Endpoint): Target {
  return { at, peer: formatEndpoint(at) };
}
