/**
 * `check-config --online`: each auth server is asked once at each address of its name, with a made-up
 * user, and must deny or allow. Where it allows, the backend that it names must be there and greet.
 */

import { HttpAuthenticator } from "../auth/http.ts";
import type { AuthHttpUrl, Protocol, ServerSettings, Settings } from "../config/settings.ts";
import { decode, printable } from "../core/bytes.ts";
import type { Diagnostic, Position, Severity } from "../core/diagnostic.ts";
import { NetError } from "../core/errors.ts";
import { LOG_QUOTE, ONLINE_GREETING, ONLINE_MS } from "../core/limits.ts";
import { Secret } from "../core/secret.ts";
import { type Endpoint, formatEndpoint, ip } from "../net/address.ts";
import type { Runtime } from "../net/ports.ts";
import { encodeProxyHeader } from "../net/proxy-encode.ts";
import { Wheel } from "../net/wheel.ts";
import type { Attempt, Verdict } from "../session/machine.ts";

/** Asks everybody at once. What answers as it should is a finding of severity info. */
export async function askAll(settings: Settings, runtime: Runtime): Promise<Diagnostic[]> {
  const wheel = new Wheel(runtime.clock);
  const servers = new Map(
    settings.servers.map((server) => [`${server.auth_http.text} ${server.protocol}`, server]),
  );
  const asked = await Promise.all([...servers.values()].map(async (server) => {
    const places = await placesOf(server.auth_http, runtime);
    return await Promise.all(places.map((at) => new Asking(server, at, runtime, wheel).ask()));
  }));
  return asked.flat(2);
}

/** One URL a resolved address; as it stands where the name has none, which asking then tells. */
async function placesOf(
  { at }: AuthHttpUrl,
  { host }: Runtime,
): Promise<readonly AuthHttpUrl["at"][]> {
  if (at.is !== "name") return [at];
  try {
    const addresses = await host.lookup(at.host);
    return addresses.map((address) => ({ is: "ip", address, port: at.port }));
  } catch (error) {
    if (error instanceof NetError) return [at];
    throw error;
  }
}

class Asking {
  readonly #server: ServerSettings;
  readonly #runtime: Runtime;
  readonly #wheel: Wheel;
  readonly #url: AuthHttpUrl;
  readonly #place: Position;

  constructor(server: ServerSettings, at: AuthHttpUrl["at"], runtime: Runtime, wheel: Wheel) {
    this.#server = server;
    this.#runtime = runtime;
    this.#wheel = wheel;
    this.#url = { ...server.auth_http, at };
    const origin = server.origin("auth_http");
    this.#place = "at" in origin ? origin.at : server.position;
  }

  async ask(): Promise<Diagnostic[]> {
    const { clock } = this.#runtime;
    const before = clock.monotonic();
    const { verdict, said } = await this.#verdict();
    const took = `${Math.round(clock.monotonic() - before)} ms`;
    const name = `auth server ${this.#name()}`;
    if (verdict.is === "broken") {
      return [this.#finding("error", "auth-server-broken", `${name}: ${said ?? verdict.why}`)];
    }
    if (verdict.is !== "allow") {
      const message = `${name} did not let a made-up user in, in ${took}`;
      return [this.#finding("info", "auth-server-answers", message)];
    }
    const message = `${name} let a made-up user with a made-up password in, to ` +
      `${formatEndpoint(verdict.target)}, in ${took}`;
    return [
      this.#finding("warning", "auth-server-allows-anybody", message),
      await this.#visit(verdict.target),
    ];
  }

  /** The URL, which address of it where there is a choice, and for which protocol. */
  #name(): string {
    const { auth_http, protocol } = this.#server;
    const { at } = this.#url;
    const which = auth_http.at.is === "name" && at.is === "ip" ? ` at ${at.address}` : "";
    return `"${auth_http.text}"${which} (${protocol})`;
  }

  #finding(severity: Severity, rule: string, message: string): Diagnostic {
    return { at: this.#place, severity, rule, message };
  }

  async #verdict(): Promise<{ readonly verdict: Verdict; readonly said: string | undefined }> {
    const said: string[] = [];
    const authenticator = new HttpAuthenticator({
      runtime: this.#runtime,
      wheel: this.#wheel,
      settings: {
        ...this.#server,
        auth_http: this.#url,
        auth_http_timeout: Math.min(this.#server.auth_http_timeout, ONLINE_MS),
        auth_http_keepalive: "off",
      },
    });
    const verdict = await authenticator.ask(madeUp(this.#server), {
      debug: false,
      note: ({ message, errno }) => said.push(errno ? `${message} ${errno}` : message),
    });
    authenticator.close();
    return { verdict, said: said.at(-1) };
  }

  /** Whether the backend is there: what it says first tells. */
  async #visit(target: Endpoint): Promise<Diagnostic> {
    const { protocol } = this.#server;
    const name = `backend ${formatEndpoint(target)} (${protocol})`;
    const { greeting, problem } = await greet(target, this.#server, this.#runtime);
    const line = printable(greeting.split(/\r?\n/)[0], LOG_QUOTE);
    if (problem === null && GREETINGS[protocol].test(greeting)) {
      return this.#finding("info", "backend-answers", `${name} greets: ${line}`);
    }
    const why = problem ?? `it greets as no ${protocol} server does: ${line}`;
    return this.#finding("error", "backend-unreachable", `${name}: ${why}`);
  }
}

/** RFC 9051 section 7.1, RFC 1939 section 4, RFC 5321 section 4.2. */
const GREETINGS: Readonly<Record<Protocol, RegExp>> = {
  imap: /^\* (?:OK|PREAUTH)\b/i,
  pop3: /^\+OK\b/,
  smtp: /^220[ -]/,
};

interface Greeted {
  readonly greeting: string;
  /** Why there is none; null when there is. */
  readonly problem: string | null;
}

function greet(
  target: Endpoint,
  { proxy_protocol }: ServerSettings,
  runtime: Runtime,
): Promise<Greeted> {
  return new Promise((resolve) => {
    let greeting = "";
    const finish = (problem: string | null) => {
      timer.cancel();
      connection.destroy();
      resolve({ greeting, problem });
    };
    const connection = runtime.connect(target, {}, {
      open() {
        if (proxy_protocol === "off") return;
        const { local } = connection;
        connection.write(encodeProxyHeader(proxy_protocol, local, local));
      },
      data(bytes) {
        greeting += decode(bytes);
        if (greeting.includes("\n") || greeting.length >= ONLINE_GREETING) finish(null);
      },
      drain() {},
      end: () => finish("it closed the connection before a greeting"),
      close: (error) => finish(error ? `connect() failed ${error.errno}` : "it closed"),
    });
    const timer = runtime.clock.after(ONLINE_MS, () => {
      finish(`no greeting came within ${ONLINE_MS / 1000} s`);
    });
  });
}

function madeUp({ protocol }: ServerSettings): Attempt {
  return {
    protocol,
    method: "plain",
    user: "doorpost-check-config",
    password: new Secret("not-a-password"),
    salt: null,
    attempt: 1,
    peer: { address: ip("127.0.0.1", 0), host: "[UNAVAILABLE]", proxied: null },
    envelope: null,
    tls: null,
  };
}
