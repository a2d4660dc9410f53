/** Bun: native sockets, BoringSSL, and a little FFI. The adapter that the product is built with. */

import type { Runtime } from "../../net/ports.ts";
import { clock, datagram, files, host, random } from "../host.ts";
import { connect } from "./connect.ts";
import { supports } from "./features.ts";
import { listen } from "./listen.ts";
import { tls, tlsVersion } from "./tls.ts";

export const runtime: Runtime = {
  name: "bun",
  versions: { runtime: Bun.version, tls: tlsVersion },
  supports,
  listen,
  connect,
  datagram,
  tls,
  clock,
  random,
  files,
  host,
};
