/**
 * One whole session with a server, step by step as a mail client takes them: look up, connect, greet,
 * ask for capabilities, start TLS, ask again, log in, ask again, do something harmless, leave. Each
 * step has its time; a step that fails ends the session, and what was learnt until then stays.
 */

import { type ByteString, decode, toDisplay } from "../core/bytes.ts";
import { NetError } from "../core/errors.ts";
import { type Endpoint, formatEndpoint } from "../net/address.ts";
import type { Runtime, TlsInfo } from "../net/ports.ts";
import {
  certificateFindings,
  certificateReport,
  chainFindings,
  chainReport,
} from "./certificates.ts";
import {
  type Client,
  type Command,
  type Method,
  type Offer,
  type Reply,
} from "./clients/client.ts";
import { findingOf } from "./guesses.ts";
import type { Capabilities, Finding, FindingId, LoginReport, Step, TlsReport } from "./model.ts";
import { endpointsOf, Place, type ProbeOptions } from "./options.ts";
import { display, Fault, type Talk, type TranscriptLine } from "./talk.ts";
import type { Target } from "./target.ts";
import { encodeBase64 } from "../wire/sasl.ts";

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

export class Session {
  readonly steps: Step[] = [];
  readonly findings: Finding[] = [];
  readonly transcript: TranscriptLine[] = [];
  readonly capabilities: Mutable<Capabilities> = { cleartext: null, tls: null, loggedIn: null };
  endpoints: readonly Endpoint[] = [];
  place: Place | null = null;
  greeting: string | null = null;
  tls: TlsReport | null = null;
  info: TlsInfo | null = null;
  login: LoginReport | null = null;
  messages: number | null = null;
  /** Whether anybody answered in the protocol. */
  reached = false;
  readonly #runtime: Runtime;
  readonly #target: Target;
  readonly #options: ProbeOptions;
  #talk!: Talk;
  #client!: Client;
  /** As it came: APOP signs it. */
  #greeting: ByteString = "";
  readonly #nonce: ByteString;

  constructor(runtime: Runtime, target: Target, options: ProbeOptions) {
    this.#runtime = runtime;
    this.#nonce = encodeBase64(decode(runtime.random(18)));
    this.#target = target;
    this.#options = options;
  }

  async run(): Promise<void> {
    try {
      await this.#reach();
      if (await this.#enter()) await this.#use();
      await this.#leave();
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      this.#fail(error);
    } finally {
      this.#talk?.drop();
    }
  }

  #fail(fault: Fault): void {
    const { reached, place } = this;
    const introduced = place?.introduced ?? false;
    const seen = { target: this.#target, reached, introduced, alpn: place?.alpn ?? [] };
    this.findings.push(findingOf(fault, seen));
  }

  // --- getting there ----------------------------------------------------------------------------

  async #reach(): Promise<void> {
    const { host, at } = this.#target;
    if (at === null || this.#options.connectTo) {
      await this.#step("resolve", async () => {
        await this.#resolve();
        return this.endpoints.map((each) => each.is === "ip" ? each.address : each.path).join(", ");
      });
    } else await this.#resolve();
    if (this.endpoints.length === 0) {
      const { family } = this.#options;
      throw new Fault("unreachable", `${host} has no ${family ? `IPv${family} ` : ""}address`);
    }
    await this.#connectAll();
  }

  async #resolve(): Promise<void> {
    const lookup = (name: string) => this.#runtime.host.lookup(name);
    try {
      this.endpoints = await endpointsOf(this.#target, this.#options, lookup);
    } catch (error) {
      if (!(error instanceof NetError)) throw error;
      throw new Fault("unreachable", error.message);
    }
  }

  /** Goes on with the first address that answers; the others are connected to and left. */
  async #connectAll(): Promise<void> {
    const failed: Finding[] = [];
    for (const at of this.endpoints) {
      const place = new Place(this.#runtime, this.#target, this.#options, at);
      try {
        await this.#step("connect", async () => {
          const talk = await place.connect(this.place ? undefined : this.transcript);
          if (this.place) talk.drop();
          else [this.place, this.#talk, this.#client] = [place, talk, place.client()];
          return formatEndpoint(at);
        }, () => formatEndpoint(at));
      } catch (error) {
        if (!(error instanceof Fault)) throw error;
        const message = `${formatEndpoint(at)}: ${error.message}`;
        failed.push({ id: "address-unreachable", severity: "warning", message });
      }
    }
    if (!this.place) throw new Fault("unreachable", failed.map((each) => each.message).join("; "));
    this.findings.push(...failed);
  }

  /** Greeting, capabilities, TLS. False: the server wants nobody. */
  async #enter(): Promise<boolean> {
    const { implicitTls } = this.#target;
    if (implicitTls) await this.#secure("implicit");
    const greeting = await this.#greet();
    this.reached = true;
    if (greeting.is !== "ok") {
      this.#find("refused", "error", `the server turned us away: ${display(greeting.text)}`);
      return false;
    }
    const found = await this.#capabilities("capabilities");
    this.capabilities[implicitTls ? "tls" : "cleartext"] = found;
    if (!implicitTls && this.#options.starttls !== "never") await this.#startTls(found);
    const { xclient } = this.#options;
    if (xclient !== null) await this.#introduce(xclient);
    return true;
  }

  /** SMTP's XCLIENT puts the session back to its beginning: EHLO follows. */
  async #introduce(attributes: string): Promise<void> {
    const missing = this.#client.introductionMissing(this.#offer());
    if (missing !== null) {
      return this.#find("xclient-refused", "error", `the server does not offer ${missing} to us`);
    }
    const reply = await this.#command("xclient", this.#client.introduce(attributes));
    if (reply.is !== "ok") {
      const said = display(reply.text);
      return this.#find(
        "xclient-refused",
        "error",
        `the server refuses who we say we are: ${said}`,
      );
    }
    if (this.#target.protocol !== "smtp") return;
    this.capabilities[this.info ? "tls" : "cleartext"] = await this.#capabilities(
      "capabilities after XCLIENT",
    );
  }

  async #greet(): Promise<Reply> {
    let reply: Reply | null = null;
    await this.#step("greeting", async () => {
      reply = await this.#talk.reply(this.#client, null);
      this.#greeting = reply.text;
      this.greeting = display(reply.text);
      return this.greeting;
    });
    return reply!;
  }

  async #capabilities(name: string): Promise<readonly string[]> {
    let found: readonly string[] = [];
    await this.#step(name, async () => {
      for (const ask of this.#client.ask) {
        const reply = await this.#talk.ask(this.#client, ask());
        if (reply.is !== "ok") continue;
        found = this.#client.capabilities(reply);
        break;
      }
      return `${found.length} capabilities`;
    });
    return found;
  }

  async #startTls(offered: readonly string[]): Promise<void> {
    const word = this.#target.protocol === "pop3" ? "STLS" : "STARTTLS";
    if (!this.#client.offersStartTls(offered)) {
      const severity = this.#options.starttls === "require" ? "error" : "warning";
      return this.#find("starttls-missing", severity, `the server does not offer ${word}`);
    }
    const reply = await this.#command(word.toLowerCase(), this.#client.starttls());
    if (reply.is !== "ok") {
      const message = `the server offers ${word} and refuses it: ${display(reply.text)}`;
      return this.#find("starttls-refused", "error", message);
    }
    await this.#secure("starttls");
    this.capabilities.tls = await this.#capabilities("capabilities under TLS");
  }

  async #secure(by: TlsReport["by"]): Promise<void> {
    const place = this.place!;
    // Reading the authorities is no part of the handshake's time.
    const context = place.context();
    await this.#step("TLS", async () => {
      const info = await this.#talk.startTls(context, place.serverName);
      const now = this.#runtime.clock.now();
      this.info = info;
      this.tls = {
        by,
        protocol: info.protocol,
        cipher: info.cipher,
        alpn: info.alpn,
        alpnOffered: place.alpn,
        serverName: place.serverName ?? null,
        certificate: certificateReport(info, now),
        chain: chainReport(info, now),
        ocsp: null,
      };
      const { warnDays } = this.#options;
      this.findings.push(
        ...certificateFindings(info, this.#target.host, now, warnDays),
        ...chainFindings(info, now, warnDays),
      );
      return `${info.protocol} ${info.cipher}`;
    });
  }

  // --- being there ------------------------------------------------------------------------------

  async #use(): Promise<void> {
    const loggedIn = await this.#logIn();
    if (loggedIn) {
      this.capabilities.loggedIn = await this.#capabilities("capabilities after login");
    }
    const { fetch } = this.#options;
    const client = this.#client;
    if (loggedIn && fetch && client.count) return await this.#count(client.count());
    const reply = await this.#command("no-op", client.harmless(loggedIn));
    const failed = `the server refuses a harmless command: ${display(reply.text)}`;
    if (reply.is !== "ok") this.#find("command-failed", "warning", failed);
  }

  async #count(asked: Command): Promise<void> {
    const reply = await this.#command("message count", asked);
    this.messages = reply.is === "ok" ? this.#client.counted?.(reply) ?? null : null;
    if (this.messages !== null) {
      const detail = `${this.messages} ${this.messages === 1 ? "message" : "messages"}`;
      this.steps.push({ ...this.steps.pop()!, detail });
    } else this.#find("command-failed", "error", `no message count: ${display(reply.text)}`);
  }

  async #logIn(): Promise<boolean> {
    const { login } = this.#options;
    const method = login && this.#method();
    if (!login || !method) return false;
    const user = toDisplay(login.user);
    let reply: Reply | null = null;
    let said = "";
    let wrong: string | null = null;
    await this.#step("login", async () => {
      const script = this.#client.login(method, login, this.#offer());
      let next = script.next();
      for (; !next.done; next = script.next(reply)) {
        reply = await this.#talk.ask(this.#client, next.value);
      }
      const { is, text, lines } = reply!;
      // The text of a challenge is as it came, and may repeat a secret; its line is masked.
      said = display(is === "more" ? lines[lines.length - 1] : text);
      wrong = next.value ?? (is === "ok" ? null : said);
      return `${user} by ${method}${wrong === null ? "" : `: ${wrong}`}`;
    });
    this.login = { user, method, ok: wrong === null, text: said };
    if (wrong === null) return true;
    this.#find("login-failed", "error", `${user} could not log in by ${method}: ${wrong}`);
    this.steps.push({ ...this.steps.pop()!, ok: false });
    return false;
  }

  #offer(): Offer {
    const { cleartext, tls } = this.capabilities;
    return { capabilities: tls ?? cleartext ?? [], greeting: this.#greeting, nonce: this.#nonce };
  }

  /** The method to log in by; null, with a finding, when there is none that may be used. */
  #method(): Method | null {
    const { method, insecure } = this.#options;
    const offered = this.#client.methods(this.#offer());
    const order = this.info ? UNDER_TLS : IN_CLEARTEXT;
    const chosen = method ?? order.find((each) => offered.includes(each)) ?? null;
    if (chosen === null) {
      const names = offered.join(", ") || "none";
      this.#find("no-method", "error", `no way to log in with a password: offered are ${names}`);
      return null;
    }
    if (insecure || this.place!.local || DIGESTS.includes(chosen)) return chosen;
    if (this.info?.verify.ok) return chosen;
    const why = this.info ? "to a certificate that does not verify" : "without TLS";
    const message = `the password was not sent ${why}; --insecure sends it`;
    this.#find("password-withheld", "error", message);
    return null;
  }

  async #leave(): Promise<void> {
    try {
      await this.#command("logout", this.#client.logout());
    } catch (error) {
      // Some servers hang up without a word, and all was said.
      if (!(error instanceof Fault) || error.kind !== "closed") throw error;
    }
  }

  // --- steps ------------------------------------------------------------------------------------

  async #command(name: string, asked: Command): Promise<Reply> {
    let reply: Reply | null = null;
    await this.#step(name, async () => {
      reply = await this.#talk.ask(this.#client, asked);
      return display(reply.text, 100);
    });
    const { is } = reply!;
    if (is !== "ok") this.steps.push({ ...this.steps.pop()!, ok: false });
    return reply!;
  }

  /** `run` gives what the timeline says of the step. */
  async #step(name: string, run: () => Promise<string>, failing = () => ""): Promise<void> {
    const { clock } = this.#runtime;
    const began = clock.monotonic();
    const ms = () => Math.round((clock.monotonic() - began) * 1000) / 1000;
    try {
      const detail = await run();
      this.steps.push({ name, ms: ms(), ok: true, detail });
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      const detail = [failing(), error.message].filter((text) => text !== "").join(": ");
      this.steps.push({ name, ms: ms(), ok: false, detail });
      throw error;
    }
  }

  #find(id: FindingId, severity: Finding["severity"], message: string): void {
    this.findings.push({ id, severity, message });
  }
}

/** Best first. Tokens and certificates are no passwords: those methods are used when asked for. */
const UNDER_TLS: readonly Method[] = [
  "scram-sha-256",
  "plain",
  "login",
  "command",
  "cram-md5",
  "apop",
];
const IN_CLEARTEXT: readonly Method[] = [
  "scram-sha-256",
  "cram-md5",
  "apop",
  "plain",
  "login",
  "command",
];
/** These do not give the password away. */
const DIGESTS: readonly Method[] = ["scram-sha-256", "cram-md5", "apop", "external"];
