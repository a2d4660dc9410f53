/** `doorpost test-auth` as a process, for the end-to-end tests of it. */

import assert from "node:assert/strict";
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { createServer, type Server, type Socket } from "node:net";
import type { AddressInfo } from "node:net";
import process from "node:process";
import { commandUnderTest } from "../support/process.ts";

export interface Ran {
  readonly status: number | null;
  readonly out: string;
  readonly err: string;
}

/** Bounded; the password goes in by standard input and must not come out again. */
export async function testAuth(
  argv: readonly string[],
  password: string,
  env: Readonly<Record<string, string>> = {},
): Promise<Ran> {
  const [command, ...words] = [...commandUnderTest(), "test-auth", ...argv, "--password-stdin"];
  const settings = { stdio: "pipe", timeout: 60_000, env: { ...process.env, ...env } } as const;
  const ran = await ended(spawn(command!, words, settings), password);
  assert.ok(!(ran.out + ran.err).includes(password), "the password is shown");
  return ran;
}

/** Not `spawnSync`: the servers answer in this process. */
export function ended(child: ChildProcessWithoutNullStreams, input: string): Promise<Ran> {
  let out = "";
  let err = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => out += text);
  child.stderr.setEncoding("utf8").on("data", (text: string) => err += text);
  child.stdin.on("error", () => {}).end(input);
  return new Promise((resolve) => child.on("close", (status) => resolve({ status, out, err })));
}

/** Runs a shell script with these variables. */
export function shell(script: string, env: Readonly<Record<string, string>>): Promise<Ran> {
  const settings = { env: { ...process.env, ...env }, stdio: "pipe", timeout: 10_000 } as const;
  return ended(spawn("sh", ["-s"], settings), script);
}

export interface Recorder {
  readonly port: number;
  /** Every request as it came, byte for byte (Latin-1). */
  readonly requests: string[];
  answer: string;
  [Symbol.asyncDispose](): Promise<void>;
}

/** A server that keeps what it is sent, and answers all the same. */
export async function startRecorder(answer: string): Promise<Recorder> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    let text = "";
    socket.setEncoding("latin1");
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
    socket.on("data", (bytes: string) => {
      text += bytes;
      if (!text.endsWith("\r\n\r\n")) return;
      recorder.requests.push(text);
      socket.end(recorder.answer, "latin1");
    });
  });
  const port = await listening(server);
  const recorder: Recorder = {
    port,
    requests: [],
    answer,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return recorder;
}

/** Listens on loopback, on a port that the kernel chooses. */
export async function listening(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}
