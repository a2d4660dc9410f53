/** What `probe` was asked: from the words of the command line to targets and options. */

import { load } from "../config/load.ts";
import { toByteString } from "../core/bytes.ts";
import { FileError } from "../core/errors.ts";
import { PROBE_TARGETS } from "../core/limits.ts";
import { Secret } from "../core/secret.ts";
import { formatEndpoint, ip, parseAddress } from "../net/address.ts";
import type { Runtime } from "../net/ports.ts";
import type { Login } from "../probe/clients/client.ts";
import { ID_FIELDS } from "../probe/clients/imap.ts";
import { CLIENT_PORT, type ProbeOptions } from "../probe/options.ts";
import { listenerTarget, parseConnectTo, parseTarget, type Target } from "../probe/target.ts";
import { authorities } from "./authorities.ts";
import { Misuse } from "./misuse.ts";
import { readPassword } from "./password.ts";
import type { ValuesOf } from "./options.ts";

export type Values = ValuesOf<"probe">;

/** Limits of `--warn` and `--crit`: days of a certificate that are left, milliseconds. */
export interface Limits {
  readonly days: number;
  readonly ms: number;
}

const WARN: Limits = { days: 30, ms: 1000 };
const CRIT: Limits = { days: 7, ms: 10_000 };

export interface ProbeRequest {
  readonly targets: readonly Target[];
  readonly direct: Target | null;
  readonly options: ProbeOptions;
  readonly warn: Limits;
  readonly crit: Limits;
}

/** Throws a `Misuse`. */
export async function probeRequest(
  values: Values,
  operands: readonly string[],
  runtime: Runtime,
): Promise<ProbeRequest> {
  checkTogether(values);
  const targets = await targetsOf(values, operands, runtime);
  const direct = values.direct === undefined ? null : targetOf(values.direct);
  if (targets.length > 1 && (direct || values.count !== undefined)) {
    throw new Misuse(`${direct ? "--direct" : "--count"} takes one target`);
  }
  if (direct && direct.protocol !== targets[0].protocol) {
    throw new Misuse(`--direct speaks ${direct.protocol}, the target ${targets[0].protocol}`);
  }
  const warn = limitsOf(values.warn, WARN, "--warn");
  const crit = limitsOf(values.crit, CRIT, "--crit");
  return { targets, direct, options: await optionsOf(values, warn, runtime), warn, crit };
}

const EXCLUDING = [
  ["ipv4", "ipv6"],
  ["password-stdin", "password-file"],
  ["watch", "count"],
] as const;

function checkTogether(values: Values): void {
  const given = (name: keyof Values) => values[name] !== undefined && values[name] !== false;
  for (const [one, other] of EXCLUDING) {
    if (given(one) && given(other)) throw new Misuse(`--${one} and --${other} exclude each other`);
  }
  if (given("cert") !== given("key")) throw new Misuse("--cert and --key go together");
  if (given("fetch") && !given("user")) throw new Misuse("--fetch needs --user");
  if (given("method") && !given("user")) throw new Misuse("--method needs --user");
  if (given("concurrency") && !given("count")) throw new Misuse("--concurrency needs --count");
  if (values.targets === "-" && values["password-stdin"]) {
    throw new Misuse("Standard input cannot give both targets and the password");
  }
}

// --- targets -------------------------------------------------------------------------------------

async function targetsOf(
  values: Values,
  operands: readonly string[],
  runtime: Runtime,
): Promise<Target[]> {
  // Twice the same would be one series for Prometheus and two lines that say the same.
  const urls = new Set([...operands, ...await listed(values.targets, runtime)]);
  const targets = [...urls].map(targetOf);
  if (values.config !== undefined) targets.push(...await configured(values.config, runtime));
  if (targets.length === 0) throw new Misuse("No target", "doorpost probe imap://HOST");
  checkIntroduction(targets, values.xclient);
  if (targets.length > PROBE_TARGETS) throw new Misuse(`More than ${PROBE_TARGETS} targets`);
  return targets;
}

function checkIntroduction(targets: readonly Target[], attributes: string | undefined): void {
  for (const word of attributes?.split(/\s+/) ?? []) {
    const name = /^([A-Za-z_]+)=./.exec(word)?.[1].toUpperCase();
    if (!name) throw new Misuse(`Option --xclient cannot be "${attributes}"`, "ADDR=192.0.2.7");
    if (!Object.hasOwn(ID_FIELDS, name) && targets.some(({ protocol }) => protocol === "imap")) {
      const known = Object.keys(ID_FIELDS).join(", ");
      throw new Misuse(`Option --xclient: IMAP has no ${name}`, `it has ${known}`);
    }
  }
}

function targetOf(url: string): Target {
  const target = parseTarget(url);
  // It may hold a password, which was not to be there and shall not be repeated.
  const shown = url.replace(/\/\/[^@/]*@/, "//****@");
  if (typeof target === "string") throw new Misuse(`Cannot probe "${shown}": ${target}`);
  return target;
}

async function listed(path: string | undefined, { files, host }: Runtime): Promise<string[]> {
  if (path === undefined) return [];
  const text = path === "-"
    ? new TextDecoder().decode(await host.readIn())
    : readable(() => files.readText(path));
  return text.split("\n").map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"));
}

async function configured(path: string, runtime: Runtime): Promise<Target[]> {
  const { settings } = await load({ path }, runtime, { checkFiles: false });
  if (!settings) throw new Misuse(`Cannot use ${path}`, `doorpost check-config ${path}`);
  const all = settings.servers.flatMap((server) =>
    server.listen.flatMap(({ at, ssl, proxy_protocol }) =>
      at.map((endpoint) =>
        listenerTarget({
          protocol: server.protocol,
          ssl,
          at: endpoint,
          name: server.server_name,
          behindProxy: proxy_protocol,
        })
      )
    )
  );
  return [...new Map(all.map((target) => [formatEndpoint(target.at!), target])).values()];
}

// --- options -------------------------------------------------------------------------------------

async function optionsOf(values: Values, warn: Limits, runtime: Runtime): Promise<ProbeOptions> {
  const { files, host } = runtime;
  const { cert, key } = values;
  const ca = readable(() => authorities(values.ca, runtime));
  const connectTo = values["connect-to"] === undefined
    ? null
    : parseConnectTo(values["connect-to"]);
  if (typeof connectTo === "string") throw new Misuse(`Option --connect-to: ${connectTo}`);
  for (const name of ["helo", "user", "relay-to", "xclient"] as const) {
    // deno-lint-ignore no-control-regex
    if (/[\x00-\x1f]/.test(values[name] ?? "")) throw new Misuse(`--${name} has a line break`);
  }
  return {
    starttls: values.starttls ?? "auto",
    login: await loginOf(values, runtime),
    method: values.method ?? null,
    insecure: values.insecure,
    fetch: values.fetch,
    ...(ca && { ca }),
    ...(cert !== undefined && key !== undefined && {
      certificate: {
        certificate: readable(() => files.readText(cert)),
        key: readable(() => files.readText(key)),
      },
    }),
    helo: toByteString(values.helo ?? host.hostname),
    timeoutMs: values.timeout ?? 10_000,
    family: values.ipv4 ? 4 : values.ipv6 ? 6 : null,
    connectTo,
    ...proxyOf(values["proxy-protocol"]),
    ...alpnOf(values.alpn),
    warnDays: warn.days,
    slowMs: warn.ms,
    injection: values["check-injection"],
    tlsScan: values["tls-scan"],
    xclient: values.xclient === undefined ? null : toByteString(values.xclient),
    relayTo: values["relay-to"] === undefined ? null : toByteString(values["relay-to"]),
  };
}

/** `v1`, `v2:192.0.2.7`, `v2:[2001:db8::1]:4711`. */
function proxyOf(
  text: string | undefined,
): Pick<ProbeOptions, "proxyProtocol" | "proxySource"> {
  if (text === undefined) return { proxyProtocol: null };
  const match = /^(v1|v2)(?::(.+))?$/.exec(text);
  const bad = new Misuse(
    `Option --proxy-protocol cannot be "${text}"`,
    "v1, v2, v2:192.0.2.7 or v2:[2001:db8::1]:4711",
  );
  if (!match) throw bad;
  const proxyProtocol = match[1] === "v1" ? "on" : "v2";
  if (match[2] === undefined) return { proxyProtocol };
  const bare = parseAddress(match[2]) ? { host: match[2], port: null } : parseConnectTo(match[2]);
  if (typeof bare === "string" || "is" in bare || !parseAddress(bare.host)) throw bad;
  return { proxyProtocol, proxySource: ip(bare.host, bare.port ?? CLIENT_PORT) };
}

/** RFC 7301: a name has 1 to 255 bytes. */
function alpnOf(text: string | undefined): Pick<ProbeOptions, "alpn"> {
  if (text === undefined) return {};
  if (text === "none") return { alpn: [] };
  if (/^[!-~]{1,255}$/.test(text)) return { alpn: [text] };
  throw new Misuse(`Option --alpn cannot be "${text}"`, "imap, pop3, smtp, or none");
}

/** `30d,500ms`, `30d`, `500ms`; a number alone is days. */
function limitsOf(text: string | undefined, usual: Limits, option: string): Limits {
  let limits = usual;
  for (const word of text?.split(",") ?? []) {
    const match = /^(\d{1,7})(d|ms)?$/.exec(word);
    if (!match) throw new Misuse(`Option ${option} cannot be "${text}"`, "such as 30d,500ms");
    limits = { ...limits, [match[2] === "ms" ? "ms" : "days"]: Number(match[1]) };
  }
  return limits;
}

// --- the login -----------------------------------------------------------------------------------

async function loginOf(values: Values, runtime: Runtime): Promise<Login | null> {
  const { user, method } = values;
  if (user === undefined) {
    if (!values["password-stdin"] && values["password-file"] === undefined) return null;
    throw new Misuse("A password needs --user");
  }
  const password = method === "external"
    ? new Secret("")
    : await readPassword(user, values, runtime);
  // POP3's PASS and a literal's prompt are lines: nothing may break out of them.
  if (/[\r\n\0]/.test(password.reveal())) throw new Misuse("The password has a line break or NUL");
  return { user: toByteString(user), password };
}

function readable<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    throw new Misuse(`Cannot read ${error.message}`);
  }
}
