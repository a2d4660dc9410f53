/**
 * `listen ... ssl proxy_protocol`: a PROXY header in front of the ClientHello, in one segment with it
 * and split at every byte of both; the same in front of STARTTLS. Without the header there is no TLS,
 * and with one where none is expected neither. haproxy's proxy-protocol.txt, sections 2.1 and 2.2.
 */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { after, before, describe, test } from "node:test";
import { Duplex } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { testAuthority } from "../support/ca.ts";
import { TlsWorld } from "../support/tls-world.ts";

const V1 = Buffer.from("PROXY TCP4 192.0.2.9 192.0.2.1 4711 993\r\n");
const SIGNATURE = Buffer.from("\r\n\r\n\0\r\nQUIT\n");
const V2 = Buffer.from([
  ...SIGNATURE,
  ...[0x21, 0x11, 0, 12 + 7],
  ...[192, 0, 2, 9, 192, 0, 2, 1, 0x12, 0x67, 0x03, 0xe1],
  // A TLV that nobody knows.
  ...[0xea, 0, 4, 1, 2, 3, 4],
]);
const VERSIONS = [["1", V1], ["2", V2]] as const;

/** The other kinds, and whom the auth server hears of; null: nobody but the connection itself. */
const KINDS: readonly (readonly [string, Uint8Array, string | null])[] = [
  ["1, IPv6", Buffer.from("PROXY TCP6 2001:db8::9 2001:db8::1 4711 993\r\n"), "2001:db8::9"],
  ["1, UNKNOWN", Buffer.from("PROXY UNKNOWN\r\n"), null],
  [
    "2, IPv6",
    Buffer.from([
      ...[...SIGNATURE, 0x21, 0x21, 0, 36],
      ...[0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9],
      ...[0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
      ...[0x12, 0x67, 0x03, 0xe1],
    ]),
    "2001:db8::9",
  ],
  ["2, LOCAL", Buffer.from([...SIGNATURE, 0x20, 0, 0, 0]), null],
];

/** A hang shall be a failure. */
const PATIENCE = { timeout: 60_000 };

type Cut = (whole: Buffer) => readonly Uint8Array[];

const inOne: Cut = (whole) => [whole];
const byteForByte: Cut = (whole) => Array.from(whole, (_, i) => whole.subarray(i, i + 1));
const at = (place: number): Cut => (whole) => [whole.subarray(0, place), whole.subarray(place)];

/** Carries a TLS client's bytes behind a header; the first flight in the pieces that `cut` makes. */
class Behind extends Duplex {
  readonly #socket: Socket;
  readonly #header: Uint8Array;
  readonly #cut: Cut;
  #first = true;
  /** Bytes of header and ClientHello. */
  size = 0;

  constructor(socket: Socket, header: Uint8Array, cut: Cut) {
    super();
    this.#socket = socket;
    this.#header = header;
    this.#cut = cut;
    socket.on("data", (bytes) => this.push(bytes));
    socket.on("end", () => this.push(null));
    socket.on("error", (error) => this.destroy(error));
  }

  override _read(): void {}

  override _write(bytes: Buffer, _encoding: string, done: (error?: Error) => void): void {
    if (!this.#first) {
      this.#socket.write(bytes, () => done());
      return;
    }
    this.#first = false;
    const whole = Buffer.concat([this.#header, bytes]);
    this.size = whole.length;
    send(this.#socket, this.#cut(whole)).then(() => done(), done);
  }

  override _final(done: () => void): void {
    this.#socket.end(done);
  }
}

/** With TCP_NODELAY each piece is a segment of its own. */
async function send(socket: Socket, pieces: readonly Uint8Array[]): Promise<void> {
  for (const piece of pieces) {
    await new Promise<void>((resolve) => socket.write(piece, () => resolve()));
    // Nothing tells when a piece has been read; this makes it likely that it was read alone.
    if (pieces.length > 1) await sleep(1);
  }
}

describe("a PROXY header in front of TLS", () => {
  let world: TlsWorld;
  let ca: string;
  before(async () => {
    const authority = await testAuthority();
    const leaf = await authority.issue();
    ca = authority.certificate;
    world = await TlsWorld.start("doorpost", {
      servers: {
        imaps: "listen LISTEN ssl proxy_protocol; protocol imap; set_real_ip_from 127.0.0.1;",
        imap: "listen LISTEN proxy_protocol; protocol imap; starttls on;",
        bare: "listen LISTEN ssl; protocol imap;",
      },
      mail: "ssl_certificate tls.pem; ssl_certificate_key tls.key;",
      files: { "tls.pem": leaf.certificate, "tls.key": leaf.key },
    });
  });
  after(() => world[Symbol.asyncDispose]());

  async function connected(server: string): Promise<Socket> {
    const socket = connect(world.ports[server]!, "127.0.0.1");
    socket.on("error", () => {});
    socket.setNoDelay(true);
    await once(socket, "connect");
    return socket;
  }

  interface Visitor {
    readonly secure: TLSSocket;
    /** Of header and ClientHello, in bytes. */
    readonly size: number;
    leave(): void;
  }

  /** A TLS client whose first flight leaves in these pieces, greeted inside TLS. */
  async function visit(header: Uint8Array, cut: Cut): Promise<Visitor> {
    const socket = await connected("imaps");
    const behind = new Behind(socket, header, cut);
    const secure = connectTls({ socket: behind as unknown as Socket, ca, servername: "localhost" });
    const [greeting] = await heard(secure);
    assert.equal(greeting, "* OK IMAP4 ready\r\n");
    // What carries a TLS socket outlives it, and hundreds of them would use up worker_connections.
    return { secure, size: behind.size, leave: () => socket.destroy() };
  }

  async function heard(secure: TLSSocket): Promise<readonly [string]> {
    secure.on("error", () => {});
    const data = new Promise<readonly [string]>((resolve) =>
      secure.once("data", (bytes) => resolve([String(bytes)]))
    );
    return await Promise.race([data, failure(secure)]);
  }

  async function failure(secure: TLSSocket): Promise<never> {
    await new Promise((resolve) => secure.once("close", resolve));
    throw new Error(`closed before an answer: ${world.log().slice(-500)}`);
  }

  /** What the auth server is asked about a login. */
  async function login(secure: TLSSocket): Promise<Readonly<Record<string, string>>> {
    secure.write("a LOGIN u p\r\n");
    const [reply] = await heard(secure);
    assert.match(reply, /^a NO /);
    return world.auth.last().headers;
  }

  for (const [version, header] of VERSIONS) {
    test(`version ${version}, in one segment: who it is comes to the auth server`, async () => {
      const { secure, leave } = await visit(header, inOne);
      const headers = await login(secure);
      assert.equal(headers["client-ip"], "192.0.2.9");
      assert.equal(headers["proxy-protocol-addr"], "192.0.2.9");
      assert.equal(headers["proxy-protocol-port"], "4711");
      assert.equal(headers["proxy-protocol-server-port"], "993");
      assert.equal(headers["auth-ssl"], "on");
      leave();
    });

    test(`version ${version}, byte for byte`, PATIENCE, async () => {
      const { leave } = await visit(header, byteForByte);
      leave();
    });

    test(
      `version ${version}, split at every byte of header and ClientHello`,
      PATIENCE,
      async () => {
        const probe = await visit(header, inOne);
        probe.leave();
        await everywhere(probe.size, async (place) => {
          const { leave } = await visit(header, at(place));
          leave();
        });
      },
    );
  }

  for (const [kind, header, address] of KINDS) {
    test(`version ${kind}, in one segment`, async () => {
      const { secure, leave } = await visit(header, inOne);
      const headers = await login(secure);
      assert.equal(headers["client-ip"], address ?? "127.0.0.1");
      assert.equal(headers["proxy-protocol-addr"] ?? null, address);
      leave();
    });
  }

  for (const [version, header] of VERSIONS) {
    /** STARTTLS behind a header in these pieces, then a login. */
    const upgrade = async (cut: Cut, hello: Cut) => {
      const socket = await connected("imap");
      const greeted = once(socket, "data");
      await send(socket, cut(header as Buffer));
      assert.equal(String((await greeted)[0]), "* OK IMAP4 ready\r\n");
      socket.write("a STARTTLS\r\n");
      await once(socket, "data");
      const behind = new Behind(socket, Buffer.alloc(0), hello);
      const secure = connectTls({
        socket: behind as unknown as Socket,
        ca,
        servername: "localhost",
      });
      const headers = await login(secure);
      assert.equal(headers["proxy-protocol-addr"], "192.0.2.9");
      assert.equal(headers["auth-ssl"], "on");
      socket.destroy();
    };

    test(`version ${version}, split at every byte, then STARTTLS`, PATIENCE, async () => {
      await everywhere(header.length, (place) => upgrade(at(place), inOne));
    });

    test(`version ${version}, then STARTTLS byte for byte`, PATIENCE, async () => {
      await upgrade(byteForByte, byteForByte);
    });
  }

  for (const server of ["imaps", "imap"]) {
    test(`TLS without a header is not served (${server})`, PATIENCE, async () => {
      await refused(
        server,
        /\[error\] .* broken header: ".*" while reading PROXY protocol, client: 127/,
      );
    });
  }

  test("a header where none is expected is no ClientHello", PATIENCE, async () => {
    const words = /\(SSL: [^)]*wrong version number[^)]*\) while SSL handshaking, client: 127/;
    await refused("bare", words, V1);
  });

  test("a header and nothing else: the handshake is still to come", PATIENCE, async () => {
    const socket = await connected("imaps");
    let said = "";
    socket.on("data", (bytes) => said += String(bytes));
    const gone = once(socket, "close");
    socket.end(V1);
    await gone;
    assert.equal(said, "");
  });

  /** Connects by TLS, behind `first` when it is given; until the log has these words. */
  async function refused(server: string, words: RegExp, first = new Uint8Array()): Promise<void> {
    const mark = world.mark();
    const socket = await connected(server);
    const behind = new Behind(socket, first, inOne);
    const secure = connectTls({ socket: behind as unknown as Socket, ca, servername: "localhost" });
    let encrypted = false;
    secure.on("secureConnect", () => encrypted = true);
    secure.on("error", () => {});
    await new Promise((resolve) => socket.once("close", resolve));
    assert.equal(encrypted, false);
    await world.heard(() => world.log().slice(mark), words);
  }
});

/** Visits for every place between two of so many bytes, some at a time. */
async function everywhere(size: number, go: (place: number) => Promise<void>): Promise<void> {
  const places = Array.from({ length: size - 1 }, (_, i) => i + 1);
  const visitors = Array.from({ length: 8 }, async () => {
    for (let place = places.pop(); place !== undefined; place = places.pop()) await go(place);
  });
  await Promise.all(visitors);
}
