/**
 * Session machines under any inputs: scripts that can be written down (for a corpus of past failures)
 * or made up (by fast-check), and what must hold for every one of them.
 */

import assert from "node:assert/strict";
import fc from "fast-check";
import { type ByteString, concat, decode, EMPTY, encode } from "../../src/core/bytes.ts";
import type { LogEvent } from "../../src/core/log.ts";
import { Secret } from "../../src/core/secret.ts";
import { ip } from "../../src/net/address.ts";
import type { Certificate, TlsInfo } from "../../src/net/ports.ts";
import type { Front, FrontAction, FrontInput, Verdict } from "../../src/session/machine.ts";
import { prepareProtocol, type Protocol } from "../../src/session/protocols.ts";
import type { Reader } from "../../src/wire/reader.ts";
import { encodeBase64 } from "../../src/wire/sasl.ts";
import { serverOf } from "./settings.ts";

export type ProtocolName = Protocol["name"];
export const PROTOCOLS: readonly ProtocolName[] = ["imap", "pop3", "smtp"];

/** One thing that happens to a front; texts are byte strings. */
export type Happening =
  | { readonly is: "bytes"; readonly text: ByteString }
  | { readonly is: "open" | "secured"; readonly certificate: "none" | "good" | "bad" | "unknown" }
  | { readonly is: "allow"; readonly user?: ByteString; readonly password?: ByteString }
  | { readonly is: "deny"; readonly text: ByteString; readonly waitMs: number | null }
  | { readonly is: "retry" | "broken" | "timeout" | "shutdown" | "eof" }
  | { readonly is: "ready" | "refused"; readonly reply: ByteString | null };

export interface Script {
  readonly protocol: ProtocolName;
  /** Lines of a `[[server]]` block. */
  readonly settings: string;
  readonly happenings: readonly Happening[];
}

const CERTIFICATE: Certificate = {
  subject: "CN=bob",
  issuer: "CN=ca",
  serial: "01",
  fingerprint: "00",
  pem: "",
  notBefore: 0,
  notAfter: 0,
  names: [],
  commonName: "bob",
};

function tlsOf(certificate: Extract<Happening, { certificate: string }>["certificate"]): TlsInfo {
  const code = { none: "20", good: "0", bad: "23", unknown: "18" }[certificate];
  return {
    protocol: "TLSv1.3",
    cipher: "TLS_AES_256_GCM_SHA384",
    alpn: null,
    sni: null,
    verify: { ok: code === "0", code, text: "as it is" },
    peer: certificate === "none" ? null : CERTIFICATE,
    resumed: false,
  };
}

function inputOf(happening: Happening): FrontInput {
  const verdict = (verdict: Verdict): FrontInput => ({ is: "verdict", verdict });
  switch (happening.is) {
    case "bytes":
      return { is: "bytes", bytes: encode(happening.text) };
    case "open":
      return { ...OPEN, tls: tlsOf(happening.certificate) };
    case "secured":
      return { is: "secured", tls: tlsOf(happening.certificate) };
    case "allow": {
      const { user, password } = happening;
      return verdict({
        is: "allow",
        target: ip("127.0.0.1", 10143),
        ...(user !== undefined && { user }),
        ...(password !== undefined && { password: new Secret(password) }),
      });
    }
    case "deny":
      return verdict({ is: "deny", text: happening.text, code: null, waitMs: happening.waitMs });
    case "retry":
      return verdict({ is: "retry", waitMs: 1000 });
    case "broken":
      return verdict({ is: "broken", why: "did not answer" });
    case "ready":
    case "refused":
      return {
        is: happening.is,
        reply: happening.reply === null ? null : encode(happening.reply),
      };
    default:
      return { is: happening.is };
  }
}

const OPEN: FrontInput = {
  is: "open",
  peer: { address: ip("192.0.2.1", 40000), host: "[UNAVAILABLE]", proxied: null },
  tls: null,
  salt: "4711.1790000000",
};

const prepared = new Map<string, Protocol>();

export function protocolOf({ protocol, settings }: Pick<Script, "protocol" | "settings">): Protocol {
  const key = `protocol = "${protocol}"\n${settings}`;
  let found = prepared.get(key);
  if (!found) prepared.set(key, found = prepareProtocol(protocol, serverOf(key)));
  return found;
}

// --- what must hold -----------------------------------------------------------------------------

/** Total and bounded, and done when it says so, whatever happens in whatever order. */
export function holdsInAnyOrder(script: Script): void {
  const protocol = protocolOf(script);
  const front = protocol.front();
  let ended = false;
  let bytesIn = 0;
  let bytesOut = 0;
  const push = (input: FrontInput) => {
    for (const action of front.push(input)) {
      assert.ok(!ended, `${action.do} follows the end`);
      if (action.do === "send") bytesOut += action.bytes.length;
      ended = action.do === "close" || action.do === "relay";
    }
  };
  push(OPEN);
  const ratio = longestReply(protocol) / 4 + 40;
  for (const [i, happening] of script.happenings.entries()) {
    const secured = front.phase === "starttls";
    const before = bytesOut;
    push(inputOf(happening));
    if (happening.is === "bytes") bytesIn += happening.text.length;
    if (secured && happening.is !== "secured") assert.equal(bytesOut, before, "words in clear");
    const given = bytesIn * ratio + (i + 2) * 400;
    assert.ok(bytesOut <= given, `${bytesOut} bytes out for ${bytesIn} in`);
  }
  if (ended) assert.equal(front.hungry, false);
}

/** The longest answer to a command that is not counted as an error. */
function longestReply(protocol: Protocol): number {
  const front = protocol.front();
  const sizes = ["a CAPABILITY\r\n", "CAPA\r\n", "AUTH\r\n", "EHLO x\r\n", "", ""].map((command) => {
    const actions = front.push(command === "" ? OPEN : { is: "bytes", bytes: encode(command) });
    return textOf(actions).length;
  });
  const opened = protocol.front();
  opened.push(OPEN);
  opened.push({ is: "timeout" });
  for (const command of ["a CAPABILITY\r\n", "CAPA\r\n", "AUTH\r\n", "EHLO x\r\n"]) {
    sizes.push(textOf(opened.push({ is: "bytes", bytes: encode(command) })).length);
  }
  return Math.max(...sizes);
}

function textOf(actions: readonly FrontAction[]): ByteString {
  return actions.map((action) => action.do === "send" ? decode(action.bytes) : "").join("");
}
