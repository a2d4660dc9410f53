/** The reading loop and the writing queue of a Deno connection, over a transport that a test steers. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { concat, decode, encode } from "../../../src/core/bytes.ts";
import type { NetError } from "../../../src/core/errors.ts";
import { type Sink, type Transport, Wire } from "../../../src/runtime/deno/wire.ts";

/** Takes at most `most` bytes a write, and each write only when it was let. */
class FakeTransport implements Transport {
  readonly events: string[] = [];
  readonly reads: number[] = [];
  most = 1 << 20;
  #arrived: (Uint8Array | null | Error)[] = [];
  #reader: (() => void) | null = null;
  #gates: (() => void)[] = [];
  held = false;

  arrive(...what: (Uint8Array | null | Error)[]): void {
    this.#arrived.push(...what);
    this.#reader?.();
  }

  /** Lets one held write through. */
  let(): void {
    this.#gates.shift()?.();
  }

  async read(into: Uint8Array): Promise<number | null> {
    this.reads.push(into.length);
    if (this.#arrived.length === 0) await new Promise<void>((resolve) => this.#reader = resolve);
    const next = this.#arrived.shift()!;
    if (next === null) return null;
    if (next instanceof Error) throw next;
    const size = Math.min(next.length, into.length);
    into.set(next.subarray(0, size));
    if (size < next.length) this.#arrived.unshift(next.subarray(size));
    return size;
  }

  async write(bytes: Uint8Array): Promise<number> {
    if (this.held) await new Promise<void>((resolve) => this.#gates.push(resolve));
    const size = Math.min(bytes.length, this.most);
    this.events.push(`write ${decode(bytes, 0, size)}`);
    return size;
  }

  closeWrite(): Promise<void> {
    this.events.push("fin");
    return Promise.resolve();
  }

  close(): void {
    this.events.push("close");
  }
}

class Recorder implements Sink {
  readonly events: string[] = [];
  readonly chunks: Uint8Array[] = [];
  onData: () => void = () => {};
  onDrain: () => void = () => {};

  data(bytes: Uint8Array): void {
    this.events.push(`data ${decode(bytes)}`);
    this.chunks.push(bytes);
    this.onData();
  }
  end(): void {
    this.events.push("end");
  }
  drain(): void {
    this.events.push("drain");
    this.onDrain();
  }
  finished(): void {
    this.events.push("finished");
  }
  failed(error: NetError): void {
    this.events.push(`failed ${error.code}`);
  }
}

function open() {
  const sink = new Recorder();
  const transport = new FakeTransport();
  const wire = new Wire(sink);
  wire.open(transport);
  return { sink, transport, wire };
}

/** Enough turns for every promise that is settled. */
async function settled(): Promise<void> {
  for (let i = 0; i < 50; i++) await Promise.resolve();
}

describe("writing", () => {
  it("goes on after a short write, and says so when all has left", async () => {
    const { sink, transport, wire } = open();
    transport.most = 3;
    wire.write(encode("abcdefgh"));
    assert.equal(wire.queued, 8);
    await settled();
    assert.deepEqual(transport.events, ["write abc", "write def", "write gh"]);
    assert.equal(wire.queued, 0);
    assert.deepEqual(sink.events, ["drain"]);
  });

  it("joins what was queued behind a slow write", async () => {
    const { transport, wire } = open();
    transport.held = true;
    wire.write(encode("one "));
    for (const word of ["two ", "three ", "four"]) wire.write(encode(word));
    transport.held = false;
    transport.let();
    await settled();
    assert.deepEqual(transport.events, ["write one ", "write two three four"]);
  });

  it("sends FIN behind the queue, once", async () => {
    const { sink, transport, wire } = open();
    wire.write(encode("last"));
    wire.end();
    wire.end();
    await settled();
    assert.deepEqual(transport.events, ["write last", "fin"]);
    assert.deepEqual(sink.events, ["drain", "finished"]);
  });

  it("sends FIN whenever the end is asked for, also between two turns of the queue", async () => {
    for (let turns = 0; turns < 20; turns++) {
      const { sink, transport, wire } = open();
      wire.write(encode("last"));
      for (let i = 0; i < turns; i++) await Promise.resolve();
      wire.end();
      await settled();
      assert.deepEqual(transport.events, ["write last", "fin"], `after ${turns} turns`);
      assert.deepEqual(sink.events, ["drain", "finished"], `after ${turns} turns`);
    }
  });

  it("loses nothing that is written in any turn", async () => {
    for (let turns = 0; turns < 20; turns++) {
      const { transport, wire } = open();
      wire.write(encode("a"));
      for (let i = 0; i < turns; i++) await Promise.resolve();
      wire.write(encode("b"));
      await settled();
      assert.equal(transport.events.join("").replaceAll("write ", ""), "ab", `after ${turns}`);
      assert.equal(wire.queued, 0);
    }
  });

  it("waits for the connection to be open", async () => {
    const sink = new Recorder();
    const transport = new FakeTransport();
    const wire = new Wire(sink);
    wire.write(encode("early"));
    wire.flushed(() => sink.events.push("flushed"));
    wire.end();
    await settled();
    assert.deepEqual(sink.events, []);
    wire.open(transport);
    await settled();
    assert.deepEqual(transport.events, ["write early", "fin"]);
    assert.deepEqual(sink.events, ["drain", "flushed", "finished"]);
  });

  it("tells who waits for the queue at once when it is empty, else when it is", async () => {
    const { sink, transport, wire } = open();
    wire.flushed(() => sink.events.push("empty"));
    transport.held = true;
    wire.write(encode("slow"));
    wire.flushed(() => sink.events.push("flushed"));
    await settled();
    assert.deepEqual(sink.events, ["empty"]);
    transport.let();
    await settled();
    assert.deepEqual(sink.events, ["empty", "drain", "flushed"]);
  });

  it("is silent after destroy, also in the middle of a write", async () => {
    const { sink, transport, wire } = open();
    transport.held = true;
    wire.write(encode("never"));
    await settled();
    wire.destroy();
    wire.destroy();
    transport.let();
    wire.write(encode("too late"));
    await settled();
    assert.deepEqual(sink.events, []);
    assert.deepEqual(transport.events.filter((event) => event === "close"), ["close"]);
    assert.equal(wire.queued, 0);
  });
});

describe("reading", () => {
  it("begins held", async () => {
    const { sink, transport, wire } = open();
    transport.arrive(encode("x"));
    await settled();
    assert.deepEqual(sink.events, []);
    assert.deepEqual(transport.reads, []);
    wire.resume();
    await settled();
    assert.deepEqual(sink.events, ["data x"]);
  });

  it("delivers neither data nor the end while it is held, and both in order after", async () => {
    const { sink, transport, wire } = open();
    wire.resume();
    await settled();
    wire.pause();
    transport.arrive(encode("late"), null);
    await settled();
    assert.deepEqual(sink.events, []);
    wire.unread(encode("early "));
    wire.resume();
    await settled();
    assert.deepEqual(sink.events, ["data early ", "data late", "end"]);
    assert.equal(wire.ended, true);
  });

  it("stops inside data", async () => {
    const { sink, transport, wire } = open();
    sink.onData = () => wire.pause();
    transport.arrive(encode("one"), encode("two"));
    wire.resume();
    await settled();
    assert.deepEqual(sink.events, ["data one"]);
    wire.resume();
    wire.resume();
    await settled();
    assert.deepEqual(sink.events, ["data one", "data two"]);
  });

  it("never delivers from within resume", () => {
    const { sink, wire } = open();
    wire.unread(encode("held"));
    wire.resume();
    assert.deepEqual(sink.events, []);
  });

  it("tells of a failure once, and of nothing after", async () => {
    const { sink, transport, wire } = open();
    const reset = Object.assign(new Error("reset"), { code: "ECONNRESET" });
    transport.arrive(encode("x"), reset, encode("y"));
    wire.resume();
    await settled();
    wire.pause();
    wire.resume();
    await settled();
    assert.deepEqual(sink.events, ["data x", "failed ECONNRESET"]);
  });

  it("reads in larger pieces while there is much, and in small ones again when there is not", async () => {
    const { sink, transport, wire } = open();
    const much = new Uint8Array(300_000).map((_, i) => i);
    transport.arrive(much);
    wire.resume();
    await settled();
    assert.equal(transport.reads[0], 1024);
    assert.equal(Math.max(...transport.reads), 64 * 1024);
    assert.deepEqual(concat(sink.chunks), much);
    for (let i = 0; i < 6; i++) {
      transport.arrive(encode("."));
      await settled();
    }
    assert.equal(transport.reads.at(-1), 1024);
  });

  it("gives away what it read: a later read does not change it", async () => {
    const { sink, transport, wire } = open();
    wire.resume();
    for (const text of ["a".repeat(10), "b".repeat(1024), "c".repeat(600), "d".repeat(10)]) {
      transport.arrive(encode(text));
      await settled();
    }
    const text = sink.chunks.map((chunk) => decode(chunk)).join("");
    assert.match(text, /^a{10}b{1024}c{600}d{10}$/);
  });
});
