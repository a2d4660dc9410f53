/**
 * Whether a server staples an OCSP response to its certificate (RFC 6066 section 8, RFC 8446 section
 * 4.4.2.1): asked with a ClientHello of our own, in the version that the session had, because of the
 * runtimes' libraries Node's alone would tell. In TLS 1.2 the answer is in the clear, in TLS 1.3 it is not.
 *
 * The handshake is broken off with `user_canceled`, which servers do not log as a fault.
 */

import { concat } from "../core/bytes.ts";
import { PROBE_FLIGHT } from "../core/limits.ts";
import type { TlsInfo } from "../net/ports.ts";
import { clientHello, readAnswer } from "./hello.ts";
import type { Finding } from "./model.ts";
import { demandsStaple, type OcspReport, readOcsp } from "./ocsp.ts";
import type { Place } from "./options.ts";
import { Fault, type Talk } from "./talk.ts";
import { peekCertificate, stapledTo } from "./tls13.ts";
import { atHandshake, sniOf } from "./tls-scan.ts";

/** Asks over a connection of its own. Null when the server showed no certificate. */
export async function readStaple(
  place: Place,
  { peer, protocol }: Pick<TlsInfo, "peer" | "protocol">,
): Promise<OcspReport | null> {
  if (!peer) return null;
  const required = demandsStaple(peer.pem);
  const found = await ask(place, protocol === "TLSv1.3" ? askModern : askPlainly);
  if (typeof found === "string") return { ...NOTHING, required, stapled: null, detail: found };
  if (!found) return { ...NOTHING, required, stapled: false, detail: "" };
  return { required, stapled: true, ...readOcsp(found, peer.serial) };
}

const NOTHING = { status: null, thisUpdate: null, nextUpdate: null } as const;

/** The response, null when there is none, or why that is not known. */
type Answer = Uint8Array | null | string;

async function ask(
  place: Place,
  way: (place: Place, talk: Talk) => Promise<Answer>,
): Promise<Answer> {
  let talk: Talk | null = null;
  try {
    talk = await place.connect();
    if (!await atHandshake(place, talk)) return "the server refused STARTTLS the second time";
    return await way(place, talk);
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return error.message;
  } finally {
    talk?.drop();
  }
}

async function askModern(place: Place, talk: Talk): Promise<Answer> {
  const found = await peekCertificate(talk, place.runtime.random(32), sniOf(place));
  return typeof found === "string" ? found : stapledTo(found);
}

// --- TLS 1.2 ---------------------------------------------------------------------------------------

/** One byte for the kind, OCSP; three for the length (RFC 6066 section 8). */
const KIND_AND_LENGTH = 4;

async function askPlainly(place: Place, talk: Talk): Promise<Answer> {
  const random = place.runtime.random(32);
  talk.connection.write(clientHello("TLSv1.2", random, sniOf(place), { staple: true }));
  const flight = await readFlight(talk);
  if (typeof flight === "string") return flight;
  await talk.leave(CANCELLED);
  return flight.get(CERTIFICATE_STATUS)?.subarray(KIND_AND_LENGTH) ?? null;
}

/** Two alerts, both warnings: user_canceled, close_notify (RFC 5246 section 7.2). */
const CANCELLED = Uint8Array.of(21, 3, 3, 0, 2, 1, 90, 21, 3, 3, 0, 2, 1, 0);

const HANDSHAKE = 22;
const CERTIFICATE_STATUS = 22;
/** ServerKeyExchange, CertificateRequest, ServerHelloDone: the status would have come before them. */
const LATER: readonly number[] = [12, 13, 14];

/** The server's first handshake messages by their type, or why there are none. */
async function readFlight(talk: Talk): Promise<Map<number, Uint8Array> | string> {
  const { reader } = talk;
  const deadline = talk.deadline();
  for (;;) {
    const bytes = reader.bytes.subarray(reader.at, reader.at + reader.length);
    const answer = readAnswer(bytes);
    if (answer?.is === "alert") return "the server refuses this handshake";
    if (answer?.is === "other") return "the answer is not TLS";
    const messages = messagesOf(bytes);
    if (LATER.some((type) => messages.has(type))) return messages;
    if (bytes.length > PROBE_FLIGHT) return "the server's handshake does not end";
    await talk.more("waiting for the ServerHello", deadline);
  }
}

/** What has come whole; messages may be cut over records, and share them. */
function messagesOf(bytes: Uint8Array): Map<number, Uint8Array> {
  const records: Uint8Array[] = [];
  for (let at = 0; at + 5 <= bytes.length && bytes[at] === HANDSHAKE;) {
    const end = at + 5 + (bytes[at + 3] << 8 | bytes[at + 4]);
    if (end > bytes.length) break;
    records.push(bytes.subarray(at + 5, end));
    at = end;
  }
  const stream = concat(records);
  const messages = new Map<number, Uint8Array>();
  for (let at = 0; at + 4 <= stream.length;) {
    const end = at + 4 + (stream[at + 1] << 16 | stream[at + 2] << 8 | stream[at + 3]);
    if (end > stream.length) break;
    messages.set(stream[at], stream.subarray(at + 4, end));
    at = end;
  }
  return messages;
}

/** `now`: milliseconds since 1970. */
export function stapleFindings(ocsp: OcspReport, now: number): Finding[] {
  const { stapled, status, nextUpdate, required, detail } = ocsp;
  if (required && stapled === false) {
    const message = "the certificate demands a stapled OCSP response, and there is none";
    return [{ id: "ocsp-missing", severity: "error", message }];
  }
  if (!stapled) return [];
  if (status === "revoked") {
    const message = "the stapled OCSP response says that the certificate is revoked";
    return [{ id: "ocsp-revoked", severity: "error", message }];
  }
  if (nextUpdate !== null && Date.parse(nextUpdate) < now) {
    const message = `the stapled OCSP response is out of date since ${nextUpdate.slice(0, 10)}`;
    return [{ id: "ocsp-stale", severity: "warning", message }];
  }
  if (status === "good") return [];
  const why = detail || "the responder does not know the certificate";
  return [{ id: "ocsp-unusable", severity: "warning", message: `stapled OCSP response: ${why}` }];
}
