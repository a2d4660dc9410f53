/**
 * SCRAM-SHA-256 as a client (RFC 7677, RFC 5802), without channel binding. The server proves that it knows
 * the password, too: one that does not is not told that all is well. Pure: the nonce is given.
 *
 * Passwords are taken as they are: SASLprep changes none that is made of ASCII.
 */

import { type ByteString, decode, encode } from "../../core/bytes.ts";
import { SCRAM_ITERATIONS } from "../../core/limits.ts";
import { decodeBase64, encodeBase64 } from "../../wire/sasl.ts";
import { hmacSha256, pbkdf2Sha256, sha256 } from "../sha256.ts";
import type { Login } from "./client.ts";

/** No channel binding, and no other user to act for. */
const HEADER = "n,,";

/** One exchange: `initial` goes out first, then an answer to each challenge. */
export class Scram {
  readonly initial: ByteString;
  readonly #bare: ByteString;
  readonly #nonce: ByteString;
  readonly #login: Login;
  /** The server's signature, once it is due. */
  #expected: ByteString | null = null;
  /** The server's signature has come, and is right. */
  proved = false;

  constructor(login: Login, nonce: ByteString) {
    const user = login.user.replace(/[=,]/g, (char) => char === "=" ? "=3D" : "=2C");
    this.#login = login;
    this.#nonce = nonce;
    this.#bare = `n=${user},r=${nonce}`;
    this.initial = HEADER + this.#bare;
  }

  /** Null breaks it off: the server speaks otherwise, or does not know the password. */
  answer(challenge: ByteString): ByteString | null {
    if (this.#expected === null) return this.#prove(challenge);
    this.proved = challenge === `v=${this.#expected}`;
    return this.proved ? "" : null;
  }

  #prove(challenge: ByteString): ByteString | null {
    const match = /^r=([^,]+),s=([^,]+),i=(\d{1,9})(?:,|$)/.exec(challenge);
    const salt = match && decodeBase64(match[2]);
    if (!match || salt === null || !match[1].startsWith(this.#nonce)) return null;
    const iterations = Number(match[3]);
    if (iterations < 1 || iterations > SCRAM_ITERATIONS) return null;
    const salted = pbkdf2Sha256(encode(this.#login.password.reveal()), encode(salt), iterations);
    const final = `c=${encodeBase64(HEADER)},r=${match[1]}`;
    const signed = encode(`${this.#bare},${challenge},${final}`);
    const keyed = hmacSha256(salted);
    const clientKey = keyed(encode("Client Key"));
    const signature = hmacSha256(sha256(clientKey))(signed);
    const proof = clientKey.map((byte, at) => byte ^ signature[at]);
    this.#expected = encodeBase64(decode(hmacSha256(keyed(encode("Server Key")))(signed)));
    return `${final},p=${encodeBase64(decode(proof))}`;
  }
}
