/**
 * From judged drafts to settings: what follows from other values is worked out (`derive`), and every
 * default applied (`complete`).
 */

import { toByteString } from "../core/bytes.ts";
import {
  GLOBAL_ROWS,
  type GlobalDirective,
  SERVER_ROWS,
  type ServerDirective,
} from "./directives/table.ts";
import type { Draft, Globals } from "./levels.ts";
import { type Listen, protocolOfListeners } from "./listen.ts";
import type {
  GlobalSettings,
  GlobalValues,
  ServerSettings,
  ServerValues,
  Settings,
} from "./settings.ts";

/** Fills in `protocol`, `server_name` and the listeners' keep-alive. */
export function derive(server: Draft, hostname: string): void {
  const listeners = server.get("listen") ?? [];
  const protocol = server.set("protocol") ? null : protocolOfListeners(listeners);
  if (protocol) server.derived.set("protocol", protocol);
  // An empty name counts as none, as in nginx.
  if (server.get("server_name") === "") {
    server.derived.set("server_name", toByteString(hostname.toLowerCase()));
  }
  if (server.get("so_keepalive") === true) {
    const kept = listeners.map((each): Listen => ({ so_keepalive: { on: true }, ...each }));
    server.derived.set("listen", kept);
  }
}

/** Only for drafts without faults. */
export function complete(servers: readonly Draft[], globals: Globals): Settings {
  return { global: completeGlobal(globals), servers: servers.map(completeServer) };
}

function completeGlobal(globals: Globals): GlobalSettings {
  const names = Object.keys(GLOBAL_ROWS) as GlobalDirective[];
  const values = Object.fromEntries(names.map((name) => [name, globals.get(name)]));
  return {
    ...values as unknown as GlobalValues,
    origin: (name) => globals.origin(name),
    places: (name) => globals.words(name).map((word) => word.at),
  };
}

function completeServer(server: Draft): ServerSettings {
  const names = Object.keys(SERVER_ROWS) as ServerDirective[];
  const values = Object.fromEntries(names.map((name) => [name, server.get(name)]));
  return {
    ...values as unknown as ServerValues,
    position: server.name.at,
    origin: (name) => server.origin(name),
    places: (name) => server.words(name).map((word) => word.at),
  };
}
