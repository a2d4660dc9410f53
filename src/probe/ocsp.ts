/**
 * What a stapled OCSP response says (RFC 6960 section 4.2.1), and whether a certificate demands one
 * (RFC 7633). The response's signature is not checked: a probe tells what a server hands to its clients,
 * whose own libraries hold it against the issuer.
 *
 * The bytes are a peer's: whatever is malformed is said to be so, and nothing here throws.
 */

import { hexOf } from "../core/bytes.ts";
import {
  childrenOf,
  contentOf,
  type Element,
  elementAt,
  OBJECT_IDENTIFIER,
  OCTET_STRING,
  oidText,
} from "../core/der.ts";

/** What is known of a server's stapling. */
export interface OcspReport {
  /** Null: it could not be found out, as `detail` says. */
  readonly stapled: boolean | null;
  /** Of our certificate; null without a response that can be read. */
  readonly status: "good" | "revoked" | "unknown" | null;
  /** RFC 3339, UTC; null when absent. */
  readonly thisUpdate: string | null;
  readonly nextUpdate: string | null;
  /** Whether the certificate itself demands a stapled response. */
  readonly required: boolean;
  /** What else there is to know of it, or empty. */
  readonly detail: string;
}

type Read = Pick<OcspReport, "status" | "thisUpdate" | "nextUpdate" | "detail">;

const NOTHING = { status: null, thisUpdate: null, nextUpdate: null } as const;

/** @param serial of the certificate that it shall be about, in upper-case hex. */
export function readOcsp(der: Uint8Array, serial: string): Read {
  try {
    return readResponse(der, serial);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return { ...NOTHING, detail: "the response is malformed" };
  }
}

/** RFC 6960 section 4.2.1, `OCSPResponseStatus`. */
const REFUSALS: Readonly<Record<number, string>> = {
  1: "malformed request",
  2: "internal error",
  3: "try later",
  5: "signature required",
  6: "unauthorized",
};

function readResponse(der: Uint8Array, serial: string): Read {
  const [outcome, wrapped] = childrenOf(der, elementAt(der, 0));
  const code = outcome ? contentOf(der, outcome)[0] : undefined;
  if (code !== 0) {
    const why = REFUSALS[code ?? -1] ?? `status ${code}`;
    return { ...NOTHING, detail: `the responder refused: ${why}` };
  }
  const [, octets] = childrenOf(der, within(der, wrapped));
  const [data] = childrenOf(der, within(der, octets));
  const parts = childrenOf(der, need(data));
  // Version and responder are tagged by context; the time of production comes before the list.
  const list = parts.filter(({ tag }) => tag === SEQUENCE)[0];
  const singles = childrenOf(der, need(list)).map((single) => readSingle(der, single));
  const ours = singles.find((single) => single.serial === serial.replace(/^0+/, ""));
  const found = ours ?? need(singles[0]);
  const { status, thisUpdate, nextUpdate } = found;
  const detail = ours ? "" : "the response is about another certificate";
  return { status: ours ? status : null, thisUpdate, nextUpdate, detail };
}

const SEQUENCE = 0x30;
const STATUS = { 0x80: "good", 0xa1: "revoked", 0x82: "unknown" } as const;
const NEXT_UPDATE = 0xa0;

function readSingle(der: Uint8Array, single: Element) {
  const [id, status, thisUpdate, ...rest] = childrenOf(der, single);
  const serial = childrenOf(der, need(id)).at(-1);
  const next = rest.find(({ tag }) => tag === NEXT_UPDATE);
  return {
    serial: hexOf(contentOf(der, need(serial))).toUpperCase().replace(/^0+/, ""),
    status: STATUS[need(status).tag as keyof typeof STATUS] ?? null,
    thisUpdate: instant(der, need(thisUpdate)),
    nextUpdate: next ? instant(der, within(der, next)) : null,
  };
}

/** The first element of what encloses it. */
function within(der: Uint8Array, outer: Element | undefined): Element {
  const { start, end } = need(outer);
  return elementAt(der, start, end);
}

function need<T>(part: T | undefined): T {
  if (part === undefined) throw new RangeError("malformed OCSP response");
  return part;
}

/** GeneralizedTime in seconds, as RFC 6960 wants it. */
function instant(der: Uint8Array, time: Element): string {
  const text = String.fromCharCode(...contentOf(der, time).subarray(0, 20));
  const match = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(text);
  if (!match) throw new RangeError("malformed time");
  const [year, month, day, hour, minute, second] = match.slice(1).map(Number);
  return new Date(Date.UTC(year, month - 1, day, hour, minute, second)).toISOString();
}

// --- certificates --------------------------------------------------------------------------------

const TLS_FEATURE = "1.3.6.1.5.5.7.1.24";
const STATUS_REQUEST = 5;
const EXTENSIONS = 0xa3;

/** Whether the certificate is only good with a stapled response ("must-staple"). */
export function demandsStaple(pem: string): boolean {
  try {
    const der = derOf(pem);
    const fields = childrenOf(der, elementAt(der, elementAt(der, 0).start));
    const extensions = fields.find(({ tag }) => tag === EXTENSIONS);
    if (!extensions) return false;
    return childrenOf(der, within(der, extensions)).some((extension) => {
      const [id, ...rest] = childrenOf(der, extension);
      if (id?.tag !== OBJECT_IDENTIFIER || oidText(contentOf(der, id)) !== TLS_FEATURE) {
        return false;
      }
      const value = rest.find(({ tag }) => tag === OCTET_STRING);
      if (!value) return false;
      return childrenOf(der, within(der, value))
        .some((feature) => contentOf(der, feature).at(-1) === STATUS_REQUEST);
    });
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

function derOf(pem: string): Uint8Array {
  const base64 = /-----BEGIN CERTIFICATE-----([^-]*)-----END/.exec(pem)?.[1] ?? "";
  return Uint8Array.from(atob(base64.replace(/\s+/g, "")), (char) => char.charCodeAt(0));
}
