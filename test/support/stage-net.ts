/**
 * A transcript's stage over sockets: a client, an auth server and a backend around a proxy that is
 * reached by its address alone. The sockets are a `Runtime`'s, so the same stage serves the proxy on the
 * memory runtime and a proxy process on real ones.
 */

import { type ByteString, decode, printable } from "../../src/core/bytes.ts";
import { type Endpoint, ip } from "../../src/net/address.ts";
import type { Connection, Listener, Runtime, TlsInfo } from "../../src/net/ports.ts";
import { Peer } from "./peer.ts";
import type { Stage } from "./player.ts";
import type { Transcript } from "./transcript.ts";

/** A proxy under test, whatever it runs in. */
export interface ProxyUnderTest {
  readonly at: Endpoint;
  log(): string;
  stop(): Promise<void>;
}

export interface World {
  readonly runtime: Runtime;
  /** Where the transcript's auth server shall listen; port 0 when that is free to choose. */
  authAt(transcript: Transcript): Endpoint;
  /** Answers DNS queries as the transcript's zone says, until it is called. */
  serveNames(transcript: Transcript): Promise<() => void>;
  /** A proxy whose one server has the transcript's settings and asks the auth server on `authPort`. */
  start(transcript: Transcript, authPort: number): Promise<ProxyUnderTest>;
  /** Lets what was written arrive before anything else is. */
  turn(): Promise<void>;
  pass(ms: number): Promise<void>;
  /** PEM of the authority that vouches for the proxy's certificate. */
  readonly ca: string;
  /** Whether the proxy closes with bytes unread, which its peers see as a reset. */
  readonly resets?: boolean;
}

export async function netStage(world: World, transcript: Transcript): Promise<NetStage> {
  const stage = new NetStage(world);
  await stage.open(transcript);
  return stage;
}

/** How long a log line may take to be written: a turn of the event loop, or a pipe. */
const LOG_TRIES = 100;

class NetStage implements Stage {
  readonly host = "127.0.0.1";
  readonly #world: World;
  readonly #auth: Queue = new Queue("auth server");
  readonly #back: Queue = new Queue("backend");
  readonly #client: Peer = new Peer("client");
  #stopNames: () => void = () => {};
  #authListener!: Listener;
  #backListener!: Listener;
  #proxy!: ProxyUnderTest;
  #asking: Peer | null = null;
  #serving: Peer | null = null;

  constructor(world: World) {
    this.#world = world;
  }

  async open(transcript: Transcript): Promise<void> {
    const { runtime } = this.#world;
    const add = (queue: Queue) => (connection: Connection) => queue.add(connection);
    this.#authListener = await runtime.listen(
      this.#world.authAt(transcript),
      {},
      add(this.#auth),
    );
    this.#backListener = await runtime.listen(ip(this.host, 0), {}, add(this.#back));
    this.#stopNames = await this.#world.serveNames(transcript);
    this.#proxy = await this.#world.start(transcript, portOf(this.#authListener.at));
    this.#client.adopt(runtime.connect(this.#proxy.at, {}, this.#client.receiver));
    await this.#client.opened;
  }

  get tls(): TlsInfo | null {
    return this.#client.connection.tls;
  }

  get ports(): Stage["ports"] {
    return {
      backend: portOf(this.#backListener.at),
      auth: portOf(this.#authListener.at),
      listen: portOf(this.#proxy.at),
      client: portOf(this.#client.connection.local),
    };
  }

  send(bytes: Uint8Array): Promise<void> {
    this.#client.write(bytes);
    return this.#world.turn();
  }

  async receive(size: number): Promise<ByteString> {
    return await this.#client.text(size).catch((error: Error) => {
      const came = printable(decode(this.#client.unread));
      throw new Error(`${error.message}, at last "${came}"`);
    });
  }

  sendEof(): Promise<void> {
    this.#client.end();
    return Promise.resolve();
  }

  async receiveEof(): Promise<void> {
    await this.#ended(this.#client);
  }

  async receiveEnd(): Promise<void> {
    await gone(this.#client);
  }

  async secure(): Promise<void> {
    const { tls } = this.#world.runtime;
    await this.#client.startTls(tls.client({ verify: true, ca: [this.#world.ca] }), {
      serverName: "mx.example",
    });
  }

  async request(): Promise<ByteString> {
    // A kept connection asks again; otherwise a new one comes.
    if (!this.#asking || this.#asking.count("close") > 0) this.#asking = await this.#auth.next();
    const peer = this.#asking;
    const lines: ByteString[] = [];
    for (;;) {
      const line = await peer.line();
      lines.push(line);
      if (line === "") return lines.join("\r\n");
    }
  }

  respond(raw: ByteString): Promise<void> {
    this.#asking!.write(raw);
    this.#asking!.end();
    this.#asking = null;
    return Promise.resolve();
  }

  dropRequest(how: "eof" | "hang"): Promise<void> {
    if (how === "eof") this.#asking!.end();
    return Promise.resolve();
  }

  async backendSend(bytes: Uint8Array): Promise<void> {
    (await this.#backend()).write(bytes);
  }

  async backendReceive(size: number): Promise<ByteString> {
    return decode(await (await this.#backend()).bytes(size));
  }

  async backendSendEof(): Promise<void> {
    (await this.#backend()).end();
  }

  async backendReceiveEof(): Promise<void> {
    await this.#ended(await this.#backend());
  }

  async #ended(peer: Peer): Promise<void> {
    await (this.#world.resets ? gone(peer) : peer.ended);
  }

  async #backend(): Promise<Peer> {
    return this.#serving ??= await this.#back.next();
  }

  async refuseBackend(): Promise<void> {
    await this.#backListener.close();
  }

  async refuseAuth(): Promise<void> {
    await this.#authListener.close();
  }

  pass(ms: number): Promise<void> {
    return this.#world.pass(ms);
  }

  async log(wanted: (text: string) => boolean): Promise<string> {
    for (let i = 0; i < LOG_TRIES && !wanted(this.#proxy.log()); i++) {
      await new Promise((resolve) => setTimeout(resolve, i < 10 ? 0 : 20));
    }
    return this.#proxy.log();
  }

  async leftover(): Promise<ByteString> {
    // What is under way arrives before the answer to a question that is asked now: the FIN.
    this.#client.destroy();
    const unread = (peer: Peer | null) => peer ? decode(peer.unread) : "";
    await this.#client.closed;
    return unread(this.#client) + unread(this.#serving);
  }

  async close(): Promise<void> {
    this.#client.destroy();
    for (const queue of [this.#auth, this.#back]) queue.destroy();
    this.#stopNames();
    await this.#authListener.close();
    await this.#backListener.close().catch(() => {});
    await this.#proxy.stop();
  }
}

function gone(peer: Peer): Promise<void> {
  return peer.until("the end", () => peer.count("end") + peer.count("close") > 0);
}

function portOf(at: Endpoint): number {
  return at.is === "ip" ? at.port : 0;
}

/** Connections that came in, and whoever waits for the next one. */
class Queue {
  readonly #label: string;
  readonly #all: Peer[] = [];
  #taken = 0;
  #wake: () => void = () => {};

  constructor(label: string) {
    this.#label = label;
  }

  add(connection: Connection): void {
    this.#all.push(new Peer(this.#label).attach(connection));
    this.#wake();
  }

  async next(): Promise<Peer> {
    while (this.#taken >= this.#all.length) {
      await new Promise<void>((resolve, reject) => {
        const timer = setTimeout(
          () => reject(new Error(`nobody came to the ${this.#label}`)),
          10_000,
        );
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    return this.#all[this.#taken++];
  }

  destroy(): void {
    for (const peer of this.#all) peer.destroy();
  }
}
