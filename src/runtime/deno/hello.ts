/**
 * Which kinds of key a ClientHello can verify (RFC 8446 section 4.1.2 and 4.2.3, RFC 5246 section
 * 7.4.1.4.1). Deno's TLS serves one certificate a context; a server that has an RSA and an ECDSA one
 * therefore chooses the context here.
 *
 * The bytes are a stranger's and may be cut short: what cannot be read is no knowledge, not an error.
 */

const HANDSHAKE_RECORD = 22;
const CLIENT_HELLO = 1;
const SIGNATURE_ALGORITHMS = 13;

/** SignatureScheme code points by the type of key that makes them. */
const SCHEMES: Readonly<Record<string, readonly number[]>> = {
  ec: [0x0403, 0x0503, 0x0603],
  rsa: [0x0804, 0x0805, 0x0806, 0x0401, 0x0501, 0x0601],
  ed25519: [0x0807],
};

/**
 * TLS 1.2 binds the kind of key to the cipher suite. A client that names only suites of the other kind
 * cannot use a key although it could verify its signatures.
 */
const ECDSA_SUITES = [0xc02b, 0xc02c, 0xcca9];
const RSA_SUITES = [0xc02f, 0xc030, 0xcca8];
/** TLS 1.3 suites, which bind nothing. */
const FREE_SUITES = [0x1301, 0x1302, 0x1303];

/**
 * Whether a client with this ClientHello can talk to a server whose key is of the type, which is named
 * as in node:crypto.
 */
export function acceptsKey(record: Uint8Array, type: string): boolean {
  const hello = readHello(record);
  if (!hello || !Object.hasOwn(SCHEMES, type)) return true;
  const suites = type === "rsa" ? RSA_SUITES : ECDSA_SUITES;
  const bySuite = [...suites, ...FREE_SUITES].some((suite) => hello.suites.includes(suite));
  const byScheme = SCHEMES[type].some((scheme) => hello.schemes.includes(scheme));
  return bySuite && byScheme;
}

interface Hello {
  readonly suites: readonly number[];
  readonly schemes: readonly number[];
}

function readHello(record: Uint8Array): Hello | null {
  try {
    const bytes = new Reader(record);
    if (bytes.number(1) !== HANDSHAKE_RECORD) return null;
    bytes.skip(2);
    const message = bytes.part(2);
    if (message.number(1) !== CLIENT_HELLO) return null;
    const hello = message.part(3);
    hello.skip(2 + 32);
    hello.part(1);
    const suites = hello.part(2).numbers();
    hello.part(1);
    return { suites, schemes: schemesOf(hello.part(2)) };
  } catch {
    return null;
  }
}

function schemesOf(extensions: Reader): number[] {
  while (extensions.left > 0) {
    const type = extensions.number(2);
    const body = extensions.part(2);
    if (type === SIGNATURE_ALGORITHMS) return body.part(2).numbers();
  }
  return [];
}

/** Reads big-endian numbers and length-prefixed parts; throws `RangeError` at the end. */
class Reader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  skip(count: number): void {
    if (count > this.left) throw new RangeError("cut short");
    this.#at += count;
  }

  number(size: number): number {
    let value = 0;
    const start = this.#at;
    this.skip(size);
    for (let i = start; i < start + size; i++) value = value * 256 + this.#bytes[i];
    return value;
  }

  /** A part whose length stands before it in `size` bytes. */
  part(size: number): Reader {
    const length = this.number(size);
    const start = this.#at;
    this.skip(length);
    return new Reader(this.#bytes.subarray(start, start + length));
  }

  /** The rest as 16-bit numbers. */
  numbers(): number[] {
    const all: number[] = [];
    while (this.left >= 2) all.push(this.number(2));
    return all;
  }
}
