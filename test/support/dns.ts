/**
 * DNS for tests: messages put together by hand, so that they can also be wrong, and a runtime whose
 * name servers are functions.
 */

import { type ByteString, concat, decode, encode } from "../../src/core/bytes.ts";
import { type Endpoint, formatEndpoint, ip, parseAddress } from "../../src/net/address.ts";
import type { Datagram, DatagramOptions } from "../../src/net/ports.ts";
import { MemoryRuntime } from "../../src/runtime/memory.ts";

export const TYPE = { A: 1, CNAME: 5, PTR: 12, TXT: 16, AAAA: 28, OPT: 41 } as const;

/** RCODEs. */
export const NOERROR = 0,
  FORMERR = 1,
  SERVFAIL = 2,
  NXDOMAIN = 3,
  NOTIMP = 4,
  REFUSED = 5;

export interface Query {
  readonly id: number;
  readonly name: string;
  readonly type: keyof typeof TYPE;
  /** As it was asked, behind the header. */
  readonly question: Uint8Array;
}

export function readQuery(bytes: Uint8Array): Query {
  const labels: string[] = [];
  let at = 12;
  while (bytes[at] !== 0) {
    labels.push(decode(bytes, at + 1, at + 1 + bytes[at]));
    at += 1 + bytes[at];
  }
  const number = (bytes[at + 1] << 8) | bytes[at + 2];
  const [type] = Object.entries(TYPE).find(([, value]) => value === number)!;
  return {
    id: (bytes[0] << 8) | bytes[1],
    name: labels.join("."),
    type: type as Query["type"],
    question: bytes.slice(12),
  };
}

export interface MessageParts {
  readonly id?: number;
  readonly rcode?: number;
  /** The flags, when not those of an ordinary answer. */
  readonly flags?: number;
  readonly question?: Uint8Array;
  readonly counts?: readonly [questions: number, answers: number, authority: number, extra: number];
  readonly answers?: readonly Uint8Array[];
  /** Behind the answers. */
  readonly rest?: Uint8Array;
}

/** An answer to `query`; each part may be another than it should be. */
export function message(query: Query, parts: MessageParts = {}): Uint8Array {
  const { answers = [], rest = new Uint8Array(0), question = query.question } = parts;
  const flags = parts.flags ?? 0x8180 | (parts.rcode ?? NOERROR);
  const counts = parts.counts ?? [question.length > 0 ? 1 : 0, answers.length, 0, 0];
  const header = [parts.id ?? query.id, flags, ...counts].map(uint16);
  return concat([...header, question, ...answers, rest]);
}

/** `owner` null: a pointer to the question's name. */
export function record(
  owner: ByteString | null,
  type: keyof typeof TYPE,
  data: Uint8Array,
  { ttl = 60, length = data.length, class: klass = 1 } = {},
): Uint8Array {
  const name = owner === null ? uint16(0xc00c) : wireName(owner);
  const fields = [uint16(TYPE[type]), uint16(klass), uint16(ttl >>> 16), uint16(ttl & 0xffff)];
  return concat([name, ...fields, uint16(length), data]);
}

export function wireName(name: ByteString): Uint8Array {
  return concat([...name.split(".").filter(Boolean).map(label), Uint8Array.of(0)]);
}

/** One label; it may hold dots. */
export function label(text: ByteString): Uint8Array {
  return concat([Uint8Array.of(text.length), encode(text)]);
}

export function address(owner: ByteString | null, text: string, ttl = 60): Uint8Array {
  const data = parseAddress(text)!;
  return record(owner, data.length === 4 ? "A" : "AAAA", data, { ttl });
}

export function pointer(name: ByteString, ttl = 60): Uint8Array {
  return record(null, "PTR", wireName(name), { ttl });
}

export function uint16(value: number): Uint8Array {
  return Uint8Array.of(value >> 8, value);
}

/** Gets a query and answers as often and as whoever it likes. */
export type NameServer = (
  query: Query,
  reply: (bytes: Uint8Array, from?: Endpoint) => void,
) => void;

export const NS1: Endpoint = ip("192.0.2.53", 53);
export const NS2: Endpoint = ip("192.0.2.54", 53);
export const NS6: Endpoint = ip("2001:db8::53", 53);

/** A memory runtime with name servers; whoever is not among them never answers. */
export class DnsRuntime extends MemoryRuntime {
  readonly #servers = new Map<string, NameServer>();
  /** What was asked, `server type name`, in order. */
  readonly asked: string[] = [];
  /** Sockets open now, and all that were. */
  open = 0;
  opened = 0;
  /** Makes the next sockets fail. */
  exhausted = false;

  /** By UDP. */
  serve(at: Endpoint, server: NameServer): void {
    this.#servers.set(formatEndpoint(at), server);
  }

  /** By TCP: the whole stream that the server sends, in these pieces, then FIN unless it is to last. */
  async serveTcp(
    at: Endpoint,
    answer: (query: Query) => readonly Uint8Array[],
    lasting = false,
  ): Promise<void> {
    await this.listen(at, {}, (connection) => {
      let received: Uint8Array = new Uint8Array(0);
      connection.receiver = {
        data: (bytes) => {
          received = concat([received, bytes]);
          const size = (received[0] << 8) | received[1];
          if (received.length < 2 + size) return;
          const query = readQuery(received.subarray(2));
          this.asked.push(`tcp ${formatEndpoint(at)} ${query.type} ${query.name}`);
          for (const piece of answer(query)) connection.write(piece);
          if (!lasting) connection.end();
        },
        drain() {},
        end() {},
        close() {},
      };
    });
  }

  override datagram({ family }: DatagramOptions): Promise<Datagram> {
    if (this.exhausted) return Promise.reject(new Error("no descriptor"));
    let open = true;
    this.open++;
    this.opened++;
    const socket: Datagram = {
      receive: () => {},
      send: (bytes, to) => {
        const query = readQuery(bytes);
        this.asked.push(`${formatEndpoint(to)} ${query.type} ${query.name}`);
        const reachable = to.is === "ip" && to.address.includes(":") === (family === 6);
        if (!reachable) return;
        this.#servers.get(formatEndpoint(to))?.(query, (reply, from = to) => {
          if (open) socket.receive(reply, from);
        });
      },
      close: () => {
        if (open) this.open--;
        open = false;
      },
    };
    return Promise.resolve(socket);
  }
}
