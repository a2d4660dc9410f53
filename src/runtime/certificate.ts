/**
 * What the rest of the house wants to know of a certificate, read from its DER (RFC 5280 section 4.1).
 * The runtimes print names and times each in their own way; this prints them as OpenSSL does for nginx,
 * in RFC 2253 order and escaping, on every runtime alike.
 *
 * The bytes may be a peer's: all here throws `RangeError` when they are malformed, and nothing else.
 */

import { createHash } from "node:crypto";
import { hexOf } from "../core/bytes.ts";
import { formatAddress } from "../net/address.ts";
import { type Certificate, TlsSettingError } from "../net/ports.ts";
import {
  childrenOf,
  contentOf,
  type Element,
  elementAt,
  OBJECT_IDENTIFIER,
  OCTET_STRING,
  oidText,
} from "../core/der.ts";

export { verifyResult } from "./verify.ts";

/** For an `X509Certificate` of node:crypto, or anything else that has the DER. */
export function describe(x509: { readonly raw: Uint8Array }, depth?: number): Certificate {
  return describeDer(x509.raw, depth);
}

/** @param depth how many certificates lie between this one and its anchor, where known. */
export function describeDer(raw: Uint8Array, depth?: number): Certificate {
  // A plain view: Buffer's own subarray and toString must not leak out of here.
  const der = new Uint8Array(raw.buffer, raw.byteOffset, raw.byteLength);
  const tbs = toBeSigned(der);
  const [notBefore, notAfter] = childrenOf(der, tbs.validity).map((time) => instant(der, time));
  return {
    subject: formatDistinguishedName(der, tbs.subject),
    issuer: formatDistinguishedName(der, tbs.issuer),
    serial: serialText(contentOf(der, tbs.serial)),
    fingerprint: createHash("sha1").update(der).digest("hex"),
    pem: toPem(der),
    notBefore,
    notAfter,
    names: alternativeNames(der, tbs.extensions),
    commonName: commonName(der, tbs.subject),
    ...(depth !== undefined && { depth }),
  };
}

interface ToBeSigned {
  readonly serial: Element;
  readonly issuer: Element;
  readonly validity: Element;
  readonly subject: Element;
  readonly extensions: Element | undefined;
}

const VERSION = 0xa0;
const EXTENSIONS = 0xa3;

function toBeSigned(der: Uint8Array): ToBeSigned {
  const fields = childrenOf(der, elementAt(der, elementAt(der, 0).start));
  // X.509 v1 has no version field.
  const [serial, , issuer, validity, subject] = fields.slice(fields[0]?.tag === VERSION ? 1 : 0);
  if (!subject) throw new RangeError("malformed certificate");
  const extensions = fields.find((field) => field.tag === EXTENSIONS);
  return { serial, issuer, validity, subject, extensions };
}

/** OpenSSL's print of an integer: upper-case hex in whole bytes, a minus sign when negative. */
function serialText(content: Uint8Array): string {
  const negative = content.length > 0 && content[0] >= 0x80;
  let value = BigInt(`0x${hexOf(content) || "0"}`);
  if (negative) value = (1n << BigInt(8 * content.length)) - value;
  const digits = value.toString(16).toUpperCase();
  return (negative ? "-" : "") + digits.padStart(digits.length + (digits.length & 1), "0");
}

const GENERALIZED_TIME = 0x18;

/** UTCTime has two digits of the year, 1950 to 2049 (RFC 5280 section 4.1.2.5.1). */
function instant(der: Uint8Array, time: Element): number {
  const text = String.fromCharCode(...contentOf(der, time).subarray(0, 20));
  const wide = time.tag === GENERALIZED_TIME;
  const match = /^(\d{2,4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(text);
  if (!match) throw new RangeError("malformed time");
  const [year, month, day, hour, minute, second] = match.slice(1).map(Number);
  const full = wide ? year : year + (year < 50 ? 2000 : 1900);
  return Date.UTC(full, month - 1, day, hour, minute, second);
}

// --- names --------------------------------------------------------------------------------------

const COMMON_NAME = "2.5.4.3";

/** OpenSSL's short names of attribute types; others are printed by number, with their value in hex. */
const SHORT_NAMES: Readonly<Record<string, string>> = {
  "2.5.4.3": "CN",
  "2.5.4.4": "SN",
  "2.5.4.5": "serialNumber",
  "2.5.4.6": "C",
  "2.5.4.7": "L",
  "2.5.4.8": "ST",
  "2.5.4.9": "street",
  "2.5.4.10": "O",
  "2.5.4.11": "OU",
  "2.5.4.12": "title",
  "2.5.4.13": "description",
  "2.5.4.15": "businessCategory",
  "2.5.4.17": "postalCode",
  "2.5.4.20": "telephoneNumber",
  "2.5.4.41": "name",
  "2.5.4.42": "GN",
  "2.5.4.43": "initials",
  "2.5.4.44": "generationQualifier",
  "2.5.4.45": "x500UniqueIdentifier",
  "2.5.4.46": "dnQualifier",
  "2.5.4.65": "pseudonym",
  "2.5.4.72": "role",
  "2.5.4.97": "organizationIdentifier",
  "0.9.2342.19200300.100.1.1": "UID",
  "0.9.2342.19200300.100.1.3": "mail",
  "0.9.2342.19200300.100.1.25": "DC",
  "1.2.840.113549.1.9.1": "emailAddress",
  "1.2.840.113549.1.9.2": "unstructuredName",
  "1.3.6.1.4.1.311.60.2.1.1": "jurisdictionL",
  "1.3.6.1.4.1.311.60.2.1.2": "jurisdictionST",
  "1.3.6.1.4.1.311.60.2.1.3": "jurisdictionC",
};

/**
 * A Name (RFC 5280 section 4.1.2.4) as RFC 2253 text: the most specific part first, the parts of a
 * multi-valued one joined by `+`, bytes outside ASCII as `\C3\A9`. `O=Org\, Inc,CN=Test CA`.
 */
export function formatDistinguishedName(der: Uint8Array, name: Element): string {
  return childrenOf(der, name).reverse()
    .map((set) => childrenOf(der, set).reverse().map((one) => attribute(der, one)).join("+"))
    .join(",");
}

function attribute(der: Uint8Array, pair: Element): string {
  const [type, value] = typeAndValue(der, pair);
  const short = SHORT_NAMES[type];
  const text = short === undefined ? null : stringText(value.tag, contentOf(der, value));
  if (text !== null) return `${short}=${escape(text)}`;
  const dump = hexOf(der.subarray(value.from, value.end)).toUpperCase();
  return `${short ?? type}=#${dump}`;
}

function typeAndValue(der: Uint8Array, pair: Element): [string, Element] {
  const [type, value] = childrenOf(der, pair);
  if (type?.tag !== OBJECT_IDENTIFIER || !value) throw new RangeError("malformed name");
  return [oidText(contentOf(der, type)), value];
}

/** First of them, as OpenSSL looks it up. */
function commonName(der: Uint8Array, name: Element): string {
  for (const set of childrenOf(der, name)) {
    for (const pair of childrenOf(der, set)) {
      const [type, value] = typeAndValue(der, pair);
      if (type === COMMON_NAME) return stringText(value.tag, contentOf(der, value)) ?? "";
    }
  }
  return "";
}

/** Bytes of one character in each string type; UTF8String (0x0c) apart. Others are no strings. */
const CHARACTER_SIZE: Readonly<Record<number, number>> = {
  0x12: 1, // NumericString
  0x13: 1, // PrintableString
  0x14: 1, // T61String, which everyone writes in Latin-1
  0x16: 1, // IA5String
  0x17: 1, // UTCTime
  0x18: 1, // GeneralizedTime
  0x1a: 1, // VisibleString
  0x1c: 4, // UniversalString
  0x1e: 2, // BMPString
};

const utf8 = new TextDecoder();

function stringText(tag: number, content: Uint8Array): string | null {
  if (tag === 0x0c) return utf8.decode(content);
  const size = CHARACTER_SIZE[tag];
  if (size === undefined || content.length % size !== 0) return null;
  let text = "";
  for (let at = 0; at < content.length; at += size) {
    let point = 0;
    for (let i = at; i < at + size; i++) point = point * 256 + content[i];
    if (point > 0x10ffff) return null;
    text += String.fromCodePoint(point);
  }
  return text;
}

/** RFC 2253 section 2.4, with controls and bytes outside ASCII in hex as OpenSSL has them. */
function escape(text: string): string {
  const bytes = new TextEncoder().encode(text);
  let out = "";
  for (const [at, byte] of bytes.entries()) {
    const character = String.fromCharCode(byte);
    const first = at === 0 && (character === " " || character === "#");
    const last = at === bytes.length - 1 && character === " ";
    if (byte < 0x20 || byte > 0x7e) out += `\\${hexOf(bytes.subarray(at, at + 1)).toUpperCase()}`;
    else if (first || last || ',+"\\<>;'.includes(character)) out += `\\${character}`;
    else out += character;
  }
  return out;
}

const SUBJECT_ALTERNATIVE_NAME = "2.5.29.17";
const DNS_NAME = 0x82;
const IP_ADDRESS = 0x87;

function alternativeNames(der: Uint8Array, extensions: Element | undefined): string[] {
  const names: string[] = [];
  for (const name of partsOf(der, extensions, SUBJECT_ALTERNATIVE_NAME) ?? []) {
    const content = contentOf(der, name);
    if (name.tag === DNS_NAME) names.push(String.fromCharCode(...content.subarray(0, 255)));
    else if (name.tag === IP_ADDRESS && (content.length === 4 || content.length === 16)) {
      names.push(formatAddress(content));
    }
  }
  return names;
}

const EXTENDED_KEY_USAGE = "2.5.29.37";

/** The purposes that a certificate is restricted to, as object identifiers; null: not restricted. */
export function extendedUsages(raw: Uint8Array): readonly string[] | null {
  const der = new Uint8Array(raw.buffer, raw.byteOffset, raw.byteLength);
  const parts = partsOf(der, toBeSigned(der).extensions, EXTENDED_KEY_USAGE);
  return parts && parts.map((part) => oidText(contentOf(der, part)));
}

/** The parts of an extension whose value is a sequence; null when there is none of that name. */
function partsOf(
  der: Uint8Array,
  extensions: Element | undefined,
  name: string,
): readonly Element[] | null {
  if (!extensions) return null;
  for (const extension of childrenOf(der, elementAt(der, extensions.start, extensions.end))) {
    const [id, ...rest] = childrenOf(der, extension);
    if (!id || oidText(contentOf(der, id)) !== name) continue;
    const value = rest.find((field) => field.tag === OCTET_STRING);
    if (value) return childrenOf(der, elementAt(der, value.start, value.end));
  }
  return null;
}

// --- PEM (RFC 7468) -----------------------------------------------------------------------------

function toPem(der: Uint8Array): string {
  const lines = base64(der).match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`;
}

function base64(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}

/** The certificates of a PEM text as DER, in order; other blocks and text around them are passed over. */
export function certificatesOf(pem: string): Uint8Array[] {
  const block = /-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----([^-]*)-----END/g;
  return [...pem.matchAll(block)].map((match) => {
    const text = atob(match[1].replace(/\s+/g, ""));
    return Uint8Array.from(text, (character) => character.charCodeAt(0));
  });
}

/** The first certificate of a PEM text; throws a `TlsSettingError` when there is none that can be read. */
export function inspectPem(pem: string): Certificate {
  try {
    const [first] = certificatesOf(pem);
    if (first) return describeDer(first);
  } catch {
    throw new TlsSettingError("certificates", "the certificate cannot be read");
  }
  throw new TlsSettingError("certificates", "no certificate in PEM form was found");
}
