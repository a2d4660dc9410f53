/**
 * The contract of `Connection.pour`: joined like a relay's, two connections lose and change nothing,
 * whatever part of the stream goes unseen, however slow its reader is.
 */

import assert from "node:assert/strict";
import type { Peer } from "../support/peer.ts";
import { type Bench, expectPattern, type Given, send } from "./harness.ts";

const MiB = 1024 * 1024;
const SIZE = 24 * MiB;

interface Joint {
  readonly source: Peer;
  readonly sink: Peer;
  /** Bytes that were shown on the way. */
  shown(): number;
}

/** What `source` says comes to `sink`. */
function join(from: { client: Peer; server: Peer }, to: { client: Peer; server: Peer }): Joint {
  const [input, output] = [from.server.connection, to.client.connection];
  let shown = 0;
  input.receiver = {
    data: (bytes) => {
      shown += bytes.length;
      if (!output.write(bytes) || input.pour?.(output) === false) input.pause();
    },
    drain: () => {},
    end: () => output.end(),
    close: () => {},
  };
  output.receiver = {
    data: () => {},
    drain: () => input.resume(),
    end: () => output.end(),
    close: () => {},
  };
  to.server.sink = expectPattern();
  return { source: from.client, sink: to.server, shown: () => shown };
}

const plain = (bench: Bench) => bench.pair();
const secure = (bench: Bench) => bench.tlsPair();
const WAYS = [
  { name: "plain to plain", from: plain, to: plain },
  { name: "plain to TLS", from: plain, to: secure },
  { name: "TLS to plain", from: secure, to: plain },
] as const;

export function pouring(given: Given): void {
  for (const { name, from, to } of WAYS) {
    given.test(`${name}: a stream and its end`, async (bench) => {
      const joint = join(await from(bench), await to(bench));
      await send(joint.source, SIZE, MiB);
      joint.source.end();
      await joint.sink.ended;
      assert.equal(joint.sink.received, SIZE);
      if (from !== plain || to !== plain) assert.equal(joint.shown(), SIZE);
    });

    given.test(`${name}: a reader that stops again and again`, async (bench) => {
      const joint = join(await from(bench), await to(bench));
      const sending = send(joint.source, SIZE, MiB).then(() => joint.source.end());
      for (let wanted = MiB; wanted < SIZE; wanted += 3 * MiB) {
        joint.sink.pause();
        await new Promise((resolve) => setImmediate(resolve));
        joint.sink.resume();
        await joint.sink.total(wanted);
      }
      await sending;
      await joint.sink.ended;
      assert.equal(joint.sink.received, SIZE);
    });
  }

  given.test("a side that has gone takes the rest with it", async (bench) => {
    const [from, to] = [await plain(bench), await plain(bench)];
    const joint = join(from, to);
    const gone = to.client.connection;
    const closed = new Promise((resolve) => gone.receiver = { ...gone.receiver, close: resolve });
    to.server.destroy();
    await closed;
    await send(joint.source, SIZE, MiB);
    joint.source.end();
    await from.client.until("all taken", () => from.client.connection.queued === 0);
  });
}
