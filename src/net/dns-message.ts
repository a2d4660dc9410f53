/**
 * DNS messages (RFC 1035): one question out, one answer in. The packet library does the encoding; here
 * stands what of an answer may be believed.
 */

import { decode, encode } from "@dnsquery/dns-packet";
import { parseAddress } from "./address.ts";

export type QueryType = "PTR" | "A" | "AAAA";

export interface Question {
  /** 16 random bits. */
  readonly id: number;
  readonly type: QueryType;
  /** Without the final dot. */
  readonly name: string;
}

export type Reply =
  /** `values`: names or addresses, in the order of the answer. `ttl` in seconds, the least of them. */
  | { readonly is: "answer"; readonly values: readonly string[]; readonly ttl: number }
  /** nginx's numbers: 1 to 5 are the RCODEs. */
  | { readonly is: "failure"; readonly code: number }
  /** Cut short: ask again by TCP. */
  | { readonly is: "truncated" };

const RCODES: readonly string[] = [
  "NOERROR",
  "FORMERR",
  "SERVFAIL",
  "NXDOMAIN",
  "NOTIMP",
  "REFUSED",
];
const RECURSION_DESIRED = 0x100;

export function encodeQuestion({ id, type, name }: Question): Uint8Array {
  return encode({
    type: "query",
    id,
    flags: RECURSION_DESIRED,
    questions: [{ type, name, class: "IN" }],
  });
}

/** Null: not an answer to this question (forged, late, or garbage); the true one may still come. */
export function readReply(bytes: Uint8Array, question: Question): Reply | null {
  let message: ReturnType<typeof decode>;
  try {
    message = decode(bytes);
  } catch {
    // The library throws at malformed packets, which anybody may send.
    return null;
  }
  const asked = message.questions?.[0];
  const matches = message.type === "response" && message.id === question.id &&
    message.questions?.length === 1 && asked?.type === question.type &&
    asked.name.toLowerCase() === question.name.toLowerCase();
  if (!matches) return null;
  if (message.flag_tc) return { is: "truncated" };
  const code = RCODES.indexOf(message.rcode ?? "");
  if (code !== 0) return { is: "failure", code: code < 0 ? 2 : code };
  return collect(message.answers ?? [], question);
}

interface Answer {
  readonly name: string;
  readonly type: string;
  readonly ttl?: number;
  readonly data: unknown;
}

/** The values at the end of the CNAME chain that begins at the question's name. */
function collect(answers: readonly unknown[], question: Question): Reply {
  const records = answers as readonly Answer[];
  const values: string[] = [];
  let name = question.name.toLowerCase();
  let ttl = Infinity;
  // A chain is at most as long as the answer: a loop ends here too.
  for (let step = 0; step <= records.length && values.length === 0; step++) {
    let next: string | null = null;
    for (const record of records) {
      if (record.name.toLowerCase() !== name || typeof record.data !== "string") continue;
      if (record.type === question.type && fits(question.type, record.data)) {
        values.push(record.data);
      } else if (record.type === "CNAME") next = record.data.toLowerCase();
      else continue;
      ttl = Math.min(ttl, record.ttl ?? 0);
    }
    if (next === null) break;
    name = next;
  }
  // No such record is, to whoever asks, no such name.
  if (values.length === 0) return { is: "failure", code: 3 };
  return { is: "answer", values, ttl };
}

/** An address record of the wrong length decodes to something that is no address. */
function fits(type: QueryType, data: string): boolean {
  if (type === "PTR") return true;
  return parseAddress(data)?.length === (type === "A" ? 4 : 16);
}
