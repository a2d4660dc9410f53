/** Settings for tests, through the ordinary reader: TOML in, one server's settings out. */

import { bind } from "../../src/config/bind.ts";
import { Findings } from "../../src/config/findings.ts";
import type { ServerSettings, Settings } from "../../src/config/settings.ts";
import { parseToml } from "../../src/config/toml.ts";

/** Every host name has an address, but for those under `.invalid` (RFC 2606). */
function lookup(host: string): readonly string[] | null {
  return host.endsWith(".invalid") ? null : ["192.0.2.1"];
}

/** Throws with every finding when the text is not accepted. */
export function settingsOf(toml: string): Settings {
  const findings = new Findings();
  const tree = parseToml("test.toml", toml, findings);
  const bound = bind(tree, { folder: "/", hostname: "mx.example", lookup }, findings);
  if (bound.settings) return bound.settings;
  const said = findings.list(["test.toml"]).map(({ at, message }) => `${at.line}: ${message}`);
  throw new Error(`settings are not accepted:\n${said.join("\n")}\n${toml}`);
}

/** One server that is called mx.example; `block` are the lines of its `[[server]]`. */
export function serverOf(block: string, listen = "127.0.0.1:1"): ServerSettings {
  return settingsOf(`server_name = "mx.example"
auth_http = "127.0.0.1:9/auth"
ssl_certificate = "data:certificate"
ssl_certificate_key = "data:key"
[[server]]
listen = "${listen}"
${block}
`).servers[0];
}
