/**
 * From the options of `test-auth` to a question: which server block's settings, which login, and the
 * password from a place that others cannot read.
 */

import { createHash, createHmac } from "node:crypto";
import { Buffer } from "node:buffer";
import { AuthAddresses } from "../auth/names.ts";
import { linesOf, load, type Source } from "../config/load.ts";
import type { ServerSettings } from "../config/settings.ts";
import { tomlString } from "../config/toml-text.ts";
import { toByteString } from "../core/bytes.ts";
import { FileError } from "../core/errors.ts";
import { NO_SECRET, Secret } from "../core/secret.ts";
import { parseAddress } from "../net/address.ts";
import { type Runtime, TlsSettingError } from "../net/ports.ts";
import type { AuthPlace } from "../probe/auth-exchange.ts";
import { type Asked, type Digest, envelopeOf, tlsOf } from "../probe/auth-question.ts";
import { secureFor } from "../probe/auth-tls.ts";
import type { Warning } from "../probe/auth-warnings.ts";
import type { AuthMethod, ProtocolName } from "../session/machine.ts";
import { authorities } from "./authorities.ts";
import type { Context } from "./command.ts";
import { Misuse } from "./misuse.ts";
import type { ValuesOf } from "./options.ts";
import { readPassword } from "./password.ts";
import { renderReport } from "./report.ts";
import { inputSource, NO_CONFIG, usualPlace } from "./sources.ts";

export type Values = ValuesOf<"test-auth">;

/** The settings to ask with. Throws a `Misuse`. */
export async function settingsFor(values: Values, context: Context): Promise<ServerSettings> {
  const { runtime } = context;
  if (values.url !== undefined && values.config !== undefined) {
    throw new Misuse("--url and --config exclude each other");
  }
  if (/^(?!https?:)[a-z][a-z0-9+.-]*:\/\//i.test(values.url ?? "")) {
    throw new Misuse(
      `Cannot ask "${withoutQuery(values.url ?? "")}": an auth server speaks http`,
      "http://HOST:PORT/PATH, https://, HOST:PORT/PATH or unix:PATH:/PATH",
    );
  }
  if (/^(?:https?:\/\/)?[^/?]*@/i.test(values.url ?? "")) {
    throw new Misuse("--url takes no user and no password", "name the user by --user");
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
    timeout: values.timeout ?? server.timeout,
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
  const source = await sourceOf(values, protocol, runtime);
  const { settings, diagnostics, sources } = await load(source, runtime, {
    checkFiles: false,
    resolveNames: false,
  });
  const { url } = values;
  if (settings !== null) {
    return url === undefined
      ? settings.servers
      : settings.servers.map((each) => asTyped(each, url));
  }
  if (url !== undefined) {
    const [first] = diagnostics;
    throw new Misuse(
      `Cannot ask "${withoutQuery(url)}": ${withoutQuery(first.message)}`,
      first.hint,
    );
  }
  const errors = diagnostics.filter(({ severity }) => severity === "error");
  const style = { colors: terminal.errColors, columns: terminal.columns };
  const report = renderReport(errors, linesOf(sources), style);
  throw new Misuse(`Cannot use ${source.path}`, "see doorpost check-config", report);
}

async function sourceOf(
  values: Values,
  protocol: ProtocolName,
  { files, host }: Runtime,
): Promise<Source> {
  if (values.url !== undefined) {
    // The reader of configurations knows best what an auth server's URL is.
    const text = `auth_http = ${tomlString(readable(values.url))}\n[[server]]\n` +
      `listen = "127.0.0.1:1"\nprotocol = "${protocol}"\n`;
    return { path: "--url", text, syntax: "toml" };
  }
  if (values.config === "-") {
    return inputSource(new TextDecoder().decode(await host.readIn()), undefined);
  }
  const path = values.config ?? usualPlace(files);
  if (path === null) throw new Misuse(NO_CONFIG, "name the auth server: --url URL");
  return { path };
}

/** It may hold an API key. */
function withoutQuery(text: string): string {
  return text.replace(/\?[^"]*/, "?****");
}

const HTTPS = /^https:\/\/(\[[^\]]*\]|[^:/?]*)(:\d*)?/i;

/** Configurations have no https: read as http, with the port said. */
function readable(url: string): string {
  return url.replace(HTTPS, (_, host, port) => `http://${host}${port ?? ":443"}`);
}

/** As it was typed, https included. */
function asTyped(settings: ServerSettings, url: string): ServerSettings {
  const { auth_http } = settings;
  return { ...settings, auth_http: { ...auth_http, tls: HTTPS.test(url), text: url } };
}

function headerOf(text: string): readonly [string, string] {
  const match = /^([A-Za-z0-9!#$%&'*+.^_`|~-]+):[ \t]*([^\r\n\0]*)$/.exec(text);
  if (match === null) throw new Misuse(`A header is written 'NAME: VALUE'`);
  return [match[1], toByteString(match[2])];
}

/** How the server is reached. Throws a `Misuse`. */
export function placeOf(
  { ca }: Values,
  { auth_http: url, auth_http_timeout: timeoutMs }: ServerSettings,
  runtime: Runtime,
): AuthPlace {
  if (ca !== undefined && !url.tls) throw new Misuse("--ca means something with https:// only");
  try {
    const trusted = url.tls ? authorities(ca, runtime) : undefined;
    const addresses = new AuthAddresses(url, runtime);
    return { runtime, addresses, timeoutMs, secure: secureFor(url, runtime.tls, trusted) };
  } catch (error) {
    if (error instanceof FileError) throw new Misuse(`Cannot read ${error.message}`);
    if (!(error instanceof TlsSettingError)) throw error;
    throw new Misuse(`Cannot use the authorities: ${error.message}`);
  }
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

/** What clients of that server may log in by, besides plain. */
export function offered(
  { protocol, imap_auth, pop3_auth, smtp_auth }: ServerSettings,
): readonly string[] {
  const all: Readonly<Record<ProtocolName, readonly string[]>> = {
    imap: imap_auth,
    pop3: pop3_auth,
    smtp: smtp_auth,
  };
  return all[protocol];
}

/** The auth server is asked all the same: it may serve other proxies. */
export function notOffered(server: ServerSettings, method: Values["method"] = "plain"): Warning[] {
  if (method === "plain" || method === "login" || offered(server).includes(method)) return [];
  const { protocol } = server;
  const message = `${protocol}_auth does not have ${method}: no client of this server can ask so`;
  return [{ rule: "method-not-offered", message }];
}

/** AUTH LOGIN is `plain` to an auth server. */
function authMethod({ method = "plain" }: Values): AuthMethod {
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
