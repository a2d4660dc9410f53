/**
 * From the options of `test-auth` to a question: which server block's settings, which login, and the
 * password from a place that others cannot read.
 */

import { createHash, createHmac } from "node:crypto";
import { Buffer } from "node:buffer";
import { linesOf, load, type Source } from "../config/load.ts";
import type { ServerSettings } from "../config/settings.ts";
import { toByteString } from "../core/bytes.ts";
import { NO_SECRET, Secret } from "../core/secret.ts";
import { parseAddress } from "../net/address.ts";
import type { Runtime } from "../net/ports.ts";
import { type Asked, type Digest, envelopeOf, tlsOf } from "../probe/auth-question.ts";
import type { AuthMethod, ProtocolName } from "../session/machine.ts";
import type { Context } from "./command.ts";
import { Misuse } from "./misuse.ts";
import type { ValuesOf } from "./options.ts";
import { readPassword } from "./password.ts";
import { renderReport } from "./report.ts";
import { NO_CONFIG, usualPlace } from "./sources.ts";

export type Values = ValuesOf<"test-auth">;

/** The settings to ask with. Throws a `Misuse`. */
export async function settingsFor(values: Values, context: Context): Promise<ServerSettings> {
  const { runtime } = context;
  if (values.url !== undefined && values.config !== undefined) {
    throw new Misuse("--url and --config exclude each other");
  }
  const protocol = protocolOf(values);
  const servers = await serversOf(values, protocol ?? "imap", context);
  const server = servers.find((each) => protocol === null || each.protocol === protocol);
  if (server === undefined) {
    const known = [...new Set(servers.map((each) => each.protocol))].join(", ");
    throw new Misuse(`No server for ${protocol} in the configuration`, `it has ${known}`);
  }
  const others = servers.filter((each) =>
    each.protocol === server.protocol && each.auth_http.text !== server.auth_http.text
  );
  if (others.length > 0) {
    const { terminal } = context;
    terminal.err(
      `doorpost: several auth servers for ${server.protocol}: asking ${server.auth_http.text}\n`,
    );
  }
  const more = values.header.map(headerOf);
  return {
    ...server,
    auth_http_header: [...server.auth_http_header, ...more],
    auth_http_timeout: values.timeout ?? server.auth_http_timeout,
    server_name: server.server_name || runtime.host.hostname,
  };
}

/** What was asked for, or follows from the method; null: any. */
function protocolOf({ protocol, method }: Values): ProtocolName | null {
  const implied = method === "apop" ? "pop3" : method === "none" ? "smtp" : null;
  if (protocol !== undefined && implied !== null && protocol !== implied) {
    throw new Misuse(`Method ${method} belongs to ${implied}, not to ${protocol}`);
  }
  return protocol ?? implied;
}

async function serversOf(
  values: Values,
  protocol: ProtocolName,
  { runtime, terminal }: Context,
): Promise<readonly ServerSettings[]> {
  const source = sourceOf(values, protocol, runtime);
  const { settings, diagnostics, sources } = await load(source, runtime, {
    checkFiles: false,
    resolveNames: false,
  });
  if (settings !== null) return settings.servers;
  if (values.url !== undefined) {
    const [first] = diagnostics;
    throw new Misuse(`Cannot ask "${values.url}": ${first.message}`, first.hint ?? "");
  }
  const errors = diagnostics.filter(({ severity }) => severity === "error");
  const style = { colors: terminal.errColors, columns: terminal.columns };
  const report = renderReport(errors, linesOf(sources), style);
  throw new Misuse(`Cannot use ${source.path}`, "see doorpost check-config", report);
}

function sourceOf(values: Values, protocol: ProtocolName, { files }: Runtime): Source {
  if (values.url !== undefined) {
    // The reader of configurations knows best what an auth server's URL is.
    const text = `auth_http = ${JSON.stringify(values.url)}\n[[server]]\n` +
      `listen = "127.0.0.1:1"\nprotocol = "${protocol}"\n`;
    return { path: "--url", text, syntax: "toml" };
  }
  const path = values.config ?? usualPlace(files);
  if (path === null) throw new Misuse(NO_CONFIG, "name the auth server: --url URL");
  return { path };
}

function headerOf(text: string): readonly [string, string] {
  const match = /^([A-Za-z0-9!#$%&'*+.^_`|~-]+):[ \t]*([^\r\n\0]*)$/.exec(text);
  if (match === null) throw new Misuse(`A header is written 'NAME: VALUE'`);
  return [match[1], toByteString(match[2])];
}

// --- the login -----------------------------------------------------------------------------------

/** `password` null: it is not to be asked for. */
export function askedOf(
  values: Values,
  server: ServerSettings,
  password: Secret,
  runtime: Runtime,
): Asked {
  const clientIp = values["client-ip"] ?? "127.0.0.1";
  if (parseAddress(clientIp) === null) throw new Misuse(`"${clientIp}" is no IP address`);
  const method = authMethod(values);
  const none = method === "none";
  for (const name of ["smtp-from", "smtp-to", "helo"] as const) {
    if (!none && values[name] !== undefined) {
      throw new Misuse(`--${name} means something with --method none only`);
    }
  }
  const [from, to, helo] = [values["smtp-from"] ?? "", values["smtp-to"] ?? "", values.helo ?? ""]
    .map(toByteString);
  return {
    protocol: server.protocol,
    method,
    user: toByteString(values.user ?? ""),
    password,
    clientIp,
    attempt: values.attempt ?? 1,
    envelope: none ? envelopeOf(helo, from, to) : null,
    tls: values.ssl === undefined ? null : tlsFrom(values.ssl),
    salt: saltOf(server, runtime),
  };
}

/** AUTH LOGIN is `plain` to an auth server. */
export function authMethod({ method = "plain" }: Values): AuthMethod {
  return method === "login" ? "plain" : method;
}

function tlsFrom(text: string): Asked["tls"] {
  const match = /^([\w.-]+)\/([\w.-]+)$/.exec(
    text === "on" ? "TLSv1.3/TLS_AES_256_GCM_SHA384" : text,
  );
  if (match === null) throw new Misuse(`--ssl is on, or PROTOCOL/CIPHER, not "${text}"`);
  return tlsOf(match[1], match[2]);
}

/** Of nginx's form: a random number, the time, the server's name. */
function saltOf({ server_name }: ServerSettings, { random, clock }: Runtime): string {
  const number = random(4).reduce((sum, byte) => sum * 256 + byte, 0);
  return `<${number}.${Math.floor(clock.now() / 1000)}@${server_name}>`;
}

/** RFC 1939 section 7 (APOP), RFC 2195 (CRAM-MD5). */
export const digest: Digest = (method, password, salt) => {
  const key = Buffer.from(password.reveal(), "latin1");
  const text = Buffer.from(salt, "latin1");
  const hash = method === "apop"
    ? createHash("md5").update(text).update(key)
    : createHmac("md5", key).update(text);
  return new Secret(hash.digest("hex"));
};

// --- the password --------------------------------------------------------------------------------

/** None where the method has none. Throws a `Misuse`. */
export async function passwordFor(values: Values, runtime: Runtime): Promise<Secret> {
  const method = authMethod(values);
  if (method === "none" || method === "external") return NO_SECRET;
  return await readPassword(values.user ?? "", values, runtime);
}
