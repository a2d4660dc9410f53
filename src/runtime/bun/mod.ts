/** Bun: native sockets, BoringSSL, and a little FFI. The adapter that the product is built with. */

import type { Runtime } from "../../net/ports.ts";
import { Buffer } from "node:buffer";
import process from "node:process";
import { useDecoder } from "../../core/bytes.ts";
import { clock, extend, family, files, host, random } from "../host.ts";
import { bind, release } from "./bind.ts";
import { connect } from "./connect.ts";
import { datagram } from "./datagram.ts";
import { supports } from "./features.ts";
import { listen } from "./listen.ts";
import { setOpenFiles } from "./open-files.ts";
import { tls, tlsVersion } from "./tls.ts";

const { latin1Slice } = Buffer.prototype;
useDecoder((bytes, start, end) => latin1Slice.call(bytes, start, end));

/** Bun's own sockets and files. */
export const runtime: Runtime = {
  name: "bun",
  versions: { runtime: Bun.version, tls: tlsVersion },
  supports,
  listen,
  bind,
  release,
  connect,
  datagram,
  tls,
  clock,
  random,
  files,
  host: extend(host, {
    setOpenFiles,
    shrink: () => Bun.shrink(),
    ...family(() => process.getBuiltinModule("node:child_process")),
  }),
};
