/**
 * A server over the adapter under test, with openssl as its client: for what no TLS library of the
 * runtimes can be told to do as a client, such as naming one cipher or keeping a session in a file.
 */

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { encode } from "../../src/core/bytes.ts";
import type { TlsInfo, TlsLibrary, TlsServerSettings } from "../../src/net/ports.ts";
import type { Leaf } from "../support/ca.ts";
import { type Visit, visit } from "../support/openssl.ts";
import { type Bench, serverSettings } from "./harness.ts";

/** A server of the library, and openssl as its client. */
export class Probe {
  readonly #bench: Bench;
  readonly #library: TlsLibrary;
  readonly folder: string;

  constructor(bench: Bench, library: TlsLibrary) {
    this.#bench = bench;
    this.#library = library;
    this.folder = bench.folder;
  }

  /** A listener with these settings; or why the library refuses them. */
  async serve(more: Partial<TlsServerSettings> = {}): Promise<Served> {
    const context = this.#library.server(await serverSettings(more));
    const seen: TlsInfo[] = [];
    const at = await this.#bench.listenRaw((connection) => {
      connection.receiver = { data() {}, drain() {}, end: () => connection.end(), close() {} };
      connection.startTls(context).then((info) => {
        seen.push(info);
        connection.write(encode("ready\n"));
      }, () => {});
    });
    const port = at.is === "ip" ? at.port : 0;
    return { port, seen, visit: (...args) => visit(port, args, { cwd: this.folder }) };
  }

  /** False also when the library refuses the settings. */
  async connects(more: Partial<TlsServerSettings>, ...args: string[]): Promise<boolean> {
    try {
      const served = await this.serve(more);
      return (await served.visit(...args)).cipher !== null;
    } catch {
      return false;
    }
  }

  /** The arguments that present a certificate and its chain. */
  async asClient({ certificate, key, serial }: Leaf): Promise<readonly string[]> {
    const file = `client-${serial}.pem`;
    await writeFile(join(this.folder, file), certificate + key);
    return ["-cert", file, "-cert_chain", file];
  }

  /** Whether a session of one server is resumed by another, or by the same. */
  async resumes(from: Served, to: Served, ...args: string[]): Promise<boolean> {
    const file = `session${++sessions}.pem`;
    await from.visit(...args, "-sess_out", file);
    return (await to.visit(...args, "-sess_in", file)).resumed;
  }
}

let sessions = 0;

export interface Served {
  readonly port: number;
  readonly seen: readonly TlsInfo[];
  visit(...args: string[]): Promise<Visit>;
}
