/**
 * Whether a server staples an OCSP response to its certificate (RFC 6066 section 8): asked with a
 * ClientHello of our own for TLS 1.2, where the answer is in the clear. Of the runtimes' libraries Node's
 * alone would tell of it.
 *
 * The handshake is broken off with `user_canceled` and `close_notify`, which servers do not log as a fault.
 * A server that speaks TLS 1.3 alone encrypts the answer: of it nothing can be said.
 */

import { concat } from "../core/bytes.ts";
import { PROBE_FLIGHT } from "../core/limits.ts";
import type { TlsInfo } from "../net/ports.ts";
import { clientHello, readAnswer } from "./hello.ts";
import type { Finding } from "./model.ts";
import { demandsStaple, type OcspReport, readOcsp } from "./ocsp.ts";
import type { Place } from "./options.ts";
import { Fault, type Talk } from "./talk.ts";
import { atHandshake, sniOf } from "./tls-scan.ts";

export async function readStaple(place: Place, { peer }: TlsInfo): Promise<OcspReport | null> {
  if (!peer) return null;
  const required = demandsStaple(peer.pem);
  const none = { status: null, thisUpdate: null, nextUpdate: null, required } as const;
  let talk: Talk | null = null;
  try {
    talk = await place.connect();
    if (!await atHandshake(place, talk)) {
      return { ...none, stapled: null, detail: "the server refused STARTTLS the second time" };
    }
    talk.connection.write(
      clientHello("TLSv1.2", place.runtime.random(32), sniOf(place), { staple: true }),
    );
    const flight = await readFlight(talk);
    if (typeof flight === "string") return { ...none, stapled: null, detail: flight };
    await talk.leave(CANCELLED);
    const response = flight.get(CERTIFICATE_STATUS);
    if (!response) return { ...none, stapled: false, detail: "" };
    // One byte for the kind, OCSP; three for the length.
    return { required, stapled: true, ...readOcsp(response.subarray(4), peer.serial) };
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return { ...none, stapled: null, detail: error.message };
  } finally {
    talk?.drop();
  }
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
    if (answer?.is === "alert") return "the server refuses TLS 1.2, in which it could be seen";
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
