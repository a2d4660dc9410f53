/**
 * A whole site for end-to-end tests: the proxy under test as a process, between an auth server in the
 * test's process and a real Dovecot and Postfix. One site serves all tests of a file.
 */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createHash, createHmac } from "node:crypto";
import { after, before } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import {
  allow,
  type Answer,
  type AuthServer,
  type Decide,
  deny,
  type Question,
  startAuthServer,
} from "../support/auth-server.ts";
import { testAuthority } from "../support/ca.ts";
import { type Dovecot, startDovecot } from "../support/dovecot.ts";
import { type Postfix, skipWithoutPostfix, startPostfix } from "../support/postfix.ts";
import { freePort, type Proxy, skipWithout, startProxy } from "../support/process.ts";

/** Chosen to hurt: a percent sign, quotes, spaces, a backslash, bytes beyond ASCII. */
export const PASSWORDS = {
  alice: 'correct %41 horse "battery" \\ staple+=&',
  bob: "Tr0ub4dor-and-3",
  carol: "pässwörd-ключ",
} as const;
export type User = keyof typeof PASSWORDS;

/** What a test types wrongly; no log may show this either. */
export const WRONG_PASSWORD = "wr0ng-%25-secret";

export type ListenerName = "imap" | "imaps" | "pop3" | "pop3s" | "smtp" | "smtps";
const LISTENERS: readonly ListenerName[] = ["imap", "imaps", "pop3", "pop3s", "smtp", "smtps"];

export interface Site {
  readonly auth: AuthServer;
  readonly dovecot: Dovecot;
  /** Null where Postfix cannot run; tests of it are skipped there. */
  readonly postfix: Postfix | null;
  readonly proxy: Proxy;
  readonly ports: Readonly<Record<ListenerName, number>>;
  /** Ports of the `more` servers, by name. */
  readonly more: Readonly<Record<string, number>>;
  /** PEM of the authority that signed the proxy's certificate; and where that stands as a file. */
  readonly ca: string;
  readonly caFile: string;
  /** The backend's port for an authentication request. */
  backend(question: Question): number;
}

export interface SiteSettings {
  /** TOML lines at the top level, after the defaults below. */
  readonly toml?: string;
  /** More `[[server]]` bodies, by name; `LISTEN` stands for the address. */
  readonly servers?: Readonly<Record<string, string>>;
  readonly mail?: boolean;
}

/** False, or why the file's tests are skipped. */
export const SKIP = skipWithout("dovecot");
export const SKIP_SMTP = skipWithoutPostfix();
export const skipProgram = skipWithout;

/**
 * Starts a site before the file's tests and ends it after them; then also holds the whole log against
 * the passwords that were used. The object's fields are there once the tests run.
 */
export function useSite(settings: SiteSettings = {}): Site {
  const site = {} as { -readonly [key in keyof Site]: Site[key] };
  if (SKIP !== false) return site;
  before(() => start(site, settings));
  after(async () => {
    const log = site.proxy?.log() ?? "";
    await site.proxy?.[Symbol.asyncDispose]();
    await site.postfix?.[Symbol.asyncDispose]();
    await site.dovecot?.[Symbol.asyncDispose]();
    await site.auth?.[Symbol.asyncDispose]();
    assertNoSecrets(log);
  });
  return site;
}

async function start(
  site: { -readonly [key in keyof Site]: Site[key] },
  settings: SiteSettings,
): Promise<void> {
  const authority = await testAuthority();
  const { certificate, key } = await authority.issue();
  site.ca = authority.certificate;
  site.dovecot = await startDovecot(PASSWORDS);
  site.postfix = SKIP_SMTP === false ? await startPostfix(site.dovecot) : null;
  const backends: Readonly<Record<string, number>> = {
    imap: site.dovecot.imap,
    pop3: site.dovecot.pop3,
    smtp: site.postfix?.smtp ?? 1,
  };
  site.backend = ({ protocol }) => backends[protocol]!;
  site.auth = await startAuthServer(honest(site));
  const ports: Partial<Record<ListenerName, number>> = {};
  for (const name of LISTENERS) ports[name] = await freePort();
  site.ports = ports as Site["ports"];
  const more: Record<string, number> = {};
  for (const name of Object.keys(settings.servers ?? {})) more[name] = await freePort();
  site.more = more;
  site.proxy = await startProxy(configuration(site, settings), {
    files: { "cert.pem": certificate, "key.pem": key, "ca.pem": authority.certificate },
  });
  site.caFile = `${site.proxy.folder}/ca.pem`;
}

function configuration({ auth, ports, more }: Site, { toml = "", servers = {} }: SiteSettings) {
  const listeners = LISTENERS.map((name) => {
    const protocol = name.replace(/s$/, "");
    const tls = name.endsWith("s");
    return `[[server]]
listen = "127.0.0.1:${ports[name]}${tls ? " ssl" : ""}"
protocol = "${protocol}"
starttls = "${tls ? "off" : "on"}"
`;
  });
  const others = Object.entries(servers).map(([name, body]) =>
    `[[server]]\n${body.replace("LISTEN", `127.0.0.1:${more[name]}`)}\n`
  );
  return `server_name = "mail.test"
auth_http = "${auth.url}"
ssl_certificate = "cert.pem"
ssl_certificate_key = "key.pem"
imap_auth = ["plain", "login", "cram-md5"]
pop3_auth = ["plain", "apop", "cram-md5"]
smtp_auth = ["plain", "login", "cram-md5"]
${toml}
${listeners.join("")}${others.join("")}`;
}

/** Knows the users, tells right passwords and digests from wrong ones, and the backend for each protocol. */
function honest(site: Pick<Site, "backend">): Decide {
  return (question): Answer => {
    const password = PASSWORDS[question.user as User];
    const port = site.backend(question);
    if (password !== undefined && proves(question, password)) {
      return allow(port, question.method === "plain" ? {} : { "Auth-Pass": latin1(password) });
    }
    return deny("Invalid login or password");
  };
}

/** RFC 2195 for cram-md5, RFC 1939 section 7 for apop. */
function proves({ method, password: given, headers }: Question, password: string): boolean {
  const salt = headers["auth-salt"] ?? "";
  if (method === "plain") return given === password;
  if (method === "cram-md5") {
    return given === createHmac("md5", password).update(salt).digest("hex");
  }
  return method === "apop" &&
    given === createHash("md5").update(salt + password, "utf8").digest("hex");
}

/** A header's bytes: node writes strings as Latin-1. */
function latin1(text: string): string {
  return Buffer.from(text, "utf8").toString("latin1");
}

// --- assertions -------------------------------------------------------------------------------------

/** Every spelling of every password that could end in a log. */
export function assertNoSecrets(log: string): void {
  for (const password of [...Object.values(PASSWORDS), WRONG_PASSWORD]) {
    const bytes = Buffer.from(password, "utf8");
    const spellings = {
      raw: password,
      latin1: bytes.toString("latin1"),
      base64: bytes.toString("base64").replace(/=+$/, ""),
      percent: encodeURIComponent(password),
      header: password.replace(
        /[\0- %]/g,
        (char) => `%${char.charCodeAt(0).toString(16).padStart(2, "0").toUpperCase()}`,
      ),
      hex: bytes.toString("hex"),
    };
    for (const [name, spelling] of Object.entries(spellings)) {
      // The message must not repeat what it complains about.
      assert.ok(!log.includes(spelling), `the log holds a password (${name})`);
    }
  }
  // In AUTH PLAIN the password is not at a boundary of three bytes, so its base64 depends on the user.
  for (const [user, password] of Object.entries(PASSWORDS)) {
    for (const text of [`\0${user}\0${password}`, `\0${user}\0${WRONG_PASSWORD}`]) {
      assert.ok(
        !log.includes(Buffer.from(text, "utf8").toString("base64").slice(0, -4)),
        "the log holds a SASL PLAIN response",
      );
    }
  }
}

/** Waits until the proxy holds no more descriptors than it did; idle auth connections do not count. */
export async function assertDescriptorsBack(site: Site, before: number): Promise<void> {
  let now = before;
  for (let tries = 0; tries < 100; tries++) {
    site.auth.dropIdle();
    now = site.proxy.descriptors();
    if (now <= before) return;
    await sleep(50);
  }
  assert.fail(`the proxy held ${before} descriptors before and ${now} after`);
}

/** Descriptors of the proxy at rest. */
export async function descriptorsAtRest(site: Site): Promise<number> {
  let last = -1;
  for (let tries = 0; tries < 100; tries++) {
    site.auth.dropIdle();
    await sleep(30);
    const now = site.proxy.descriptors();
    if (now === last) return now;
    last = now;
  }
  return last;
}

/** Waits for a line in the proxy's log. */
export async function logged(site: Site, pattern: RegExp, from = 0): Promise<void> {
  await saidBy(site.proxy, pattern, from);
}

/** Waits until a server's log, from a position on, has the pattern. */
export async function saidBy(
  server: { log(): string },
  pattern: RegExp,
  from: number,
): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    if (pattern.test(server.log().slice(from))) return;
    await sleep(30);
  }
  assert.match(server.log().slice(from), pattern);
}
