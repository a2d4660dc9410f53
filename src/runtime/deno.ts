/**
 * Deno: its own sockets for plain connections, `node:tls` for TLS over them (its native TLS has no
 * SNI, client certificates or details of the session for servers).
 */

import process from "node:process";
import { formatEndpoint, ip, unix } from "../net/address.ts";
import type { Endpoint } from "../net/address.ts";
import type { Connection, ConnectOptions, Feature, Receiver, Runtime } from "../net/ports.ts";
import { DenoConnection } from "./deno/connection.ts";
import { listen } from "./deno/listener.ts";
import { DENO_WAYS } from "./deno/ways.ts";
import { dial } from "./deno/transport.ts";
import { clock, datagram, files, host, netError, random } from "./host.ts";
import { TLS_LACKS } from "./tls/lacks.ts";
import { makeTlsLibrary } from "./tls/library.ts";

const LACKS: Partial<Record<Feature, string>> = {
  ...TLS_LACKS.deno,
  "listen-backlog": "Deno sets the backlog of listeners itself",
  "listen-buffers": "Deno cannot set socket buffers",
  "listen-keepalive": "Deno turns TCP keep-alive on and off, with the system's times",
  "set-user": "Deno cannot set supplementary groups: start it as the user it shall run as",
  "set-open-files": "Deno cannot set the limit of open files: raise it before the start, " +
    "by ulimit -n or LimitNOFILE=",
  "unix-datagrams": "Deno has no unix datagram sockets but unstable ones: use udp",
  "spawn": "Under Deno the proxy is one process: start several behind different addresses",
};

// Without any handler for a signal, running out of descriptors has ended the process. This one's
// default is to be ignored, so that listening to it changes nothing else.
process.on("SIGWINCH", () => {});

/** Deno's sockets and files. */
export const runtime: Runtime = {
  name: "deno",
  versions: { runtime: Deno.version.deno, tls: "rustls" },
  supports: (feature) => LACKS[feature] ?? true,
  listen,
  connect,
  datagram,
  tls: makeTlsLibrary(DENO_WAYS),
  clock,
  random,
  files,
  host,
};

function connect(to: Endpoint, options: ConnectOptions, receiver: Receiver): Connection {
  const abort = new AbortController();
  const unknown = to.is === "unix" ? unix("") : ip(options.localAddress ?? anyAddress(to), 0);
  const connection = new DenoConnection(unknown, to, () => abort.abort());
  connection.receiver = receiver;
  dial(to, options, abort.signal).then(
    ({ transport, local }) => connection.opened(transport, local),
    (error) => connection.failed(netError(error, `Cannot connect to ${formatEndpoint(to)}`)),
  );
  return connection;
}

function anyAddress(to: { readonly address: string }): string {
  return to.address.includes(":") ? "::" : "0.0.0.0";
}
