/** What the master read is what workers read, whatever has become of the files meanwhile. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { decode } from "../../../src/core/bytes.ts";
import { FileError, NetError } from "../../../src/core/errors.ts";
import { load } from "../../../src/config/load.ts";
import { createMemoryRuntime } from "../../../src/runtime/memory.ts";
import { Recorder, replay } from "../../../src/supervise/record.ts";

const TOML = `server_name = "mail.test"
auth_http = "http://127.0.0.1:9000/auth"
[[server]]
listen = "localhost:143"
protocol = "imap"
`;

/** As it crosses the channel between two processes. */
function sent<T>(recording: T): T {
  return JSON.parse(JSON.stringify(recording));
}

describe("a recording", () => {
  test("gives a worker the settings of its master, not those on the disk", async () => {
    const master = createMemoryRuntime({ files: { "/a.toml": TOML } });
    const recorder = new Recorder(master);
    const before = await load({ path: "/a.toml" }, recorder.world);
    const worker = createMemoryRuntime({
      files: { "/a.toml": "nonsense" },
      names: { localhost: ["192.0.2.7"] },
    });
    const { world } = replay(worker, sent(recorder.recording));
    const after = await load({ path: "/a.toml" }, world);
    assert.deepEqual(JSON.stringify(after.settings), JSON.stringify(before.settings));
    assert.deepEqual(
      after.settings?.servers[0].listen[0].at,
      before.settings?.servers[0].listen[0].at,
    );
  });

  test("keeps every byte of a file", () => {
    const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
    const master = createMemoryRuntime();
    const recorder = new Recorder({
      ...shell(master),
      files: { ...shell(master).files, read: () => bytes },
    });
    assert.deepEqual(recorder.runtime.files.read("/key"), bytes);
    const { runtime } = replay(createMemoryRuntime(), sent(recorder.recording));
    assert.deepEqual(runtime.files.read("/key"), bytes);
  });

  test("keeps failures: a file that was missing stays missing", () => {
    const recorder = new Recorder(createMemoryRuntime());
    assert.throws(() => recorder.runtime.files.stat("/crl"), FileError);
    const later = createMemoryRuntime({ files: { "/crl": "there now" } });
    const { runtime } = replay(later, sent(recorder.recording));
    assert.throws(
      () => runtime.files.stat("/crl"),
      (error) => error instanceof FileError && error.code === "ENOENT" && error.path === "/crl",
    );
  });

  test("keeps names, and that one could not be resolved", async () => {
    const recorder = new Recorder(createMemoryRuntime({ names: { mx: ["192.0.2.1"] } }));
    await recorder.world.host.lookup("mx");
    await assert.rejects(recorder.world.host.lookup("gone"), NetError);
    const later = createMemoryRuntime({ names: { mx: ["192.0.2.2"], gone: ["192.0.2.3"] } });
    const { world } = replay(later, sent(recorder.recording));
    assert.deepEqual(await world.host.lookup("mx"), ["192.0.2.1"]);
    await assert.rejects(world.host.lookup("gone"), NetError);
  });

  test("lets everything else through: logs are opened on the disk", () => {
    const recorder = new Recorder(createMemoryRuntime());
    const memory = createMemoryRuntime({ files: { "/new": "text" } });
    const { runtime } = replay(memory, sent(recorder.recording));
    runtime.files.append("/log").write(new Uint8Array([0x61]));
    assert.equal(decode(memory.files.read("/log")), "a");
    assert.equal(runtime.files.readText("/new"), "text");
  });

  test("a file may be called like a property of every object", () => {
    const recorder = new Recorder(createMemoryRuntime({ files: { constructor: "x" } }));
    const { runtime } = replay(
      createMemoryRuntime({ files: { constructor: "x", toString: "y" } }),
      sent(recorder.recording),
    );
    assert.equal(recorder.runtime.files.readText("constructor"), "x");
    assert.equal(runtime.files.readText("toString"), "y");
  });
});

/** The memory runtime's own methods need their object; this one can be spread. */
function shell(memory: ReturnType<typeof createMemoryRuntime>): Recorder["runtime"] {
  return new Recorder(memory).runtime;
}
