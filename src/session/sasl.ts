/**
 * One SASL exchange, from its first prompt to credentials: PLAIN (RFC 4616), LOGIN, CRAM-MD5
 * (RFC 2195), EXTERNAL (RFC 4422). Every line is SASL data until it ends, `*` included: that is not
 * base64, so it cancels by being invalid.
 */

import type { ByteString } from "../core/bytes.ts";
import { decodeBase64, encodeBase64, parseCramMd5, parsePlain } from "../wire/sasl.ts";
import type { AuthMethod } from "./machine.ts";

const SASL_MECHANISMS = ["plain", "login", "cram-md5", "external"] as const;
export type SaslMechanism = typeof SASL_MECHANISMS[number];

/**
 * The mechanism of that name, any case, if it may be used: PLAIN and LOGIN always (as in nginx, the
 * `*_auth` directives only choose what is advertised), the others when enabled. CRAM-MD5 takes no
 * initial response (RFC 2195 section 2).
 */
export function mechanismNamed(
  name: ByteString,
  enabled: readonly string[],
  initial: ByteString | undefined,
): SaslMechanism | null {
  const lower = name.toLowerCase();
  const mechanism = SASL_MECHANISMS.find((known) => known === lower);
  if (!mechanism) return null;
  if (mechanism === "plain" || mechanism === "login") return mechanism;
  if (mechanism === "cram-md5" && initial !== undefined) return null;
  return enabled.includes(mechanism) ? mechanism : null;
}

export type SaslStep =
  | { readonly is: "prompt"; readonly prompt: string }
  | { readonly is: "fault"; readonly message: string }
  | {
    readonly is: "done";
    readonly method: AuthMethod;
    readonly user: ByteString;
    readonly password: ByteString;
  };

const USERNAME = encodeBase64("Username:");
const PASSWORD = encodeBase64("Password:");

export class SaslExchange {
  readonly #mechanism: SaslMechanism;
  readonly #salt: ByteString;
  #user: ByteString | null = null;

  constructor(mechanism: SaslMechanism, salt: ByteString) {
    this.#mechanism = mechanism;
    this.#salt = salt;
  }

  /** Who wants in, once that was said. */
  get user(): ByteString | null {
    return this.#user;
  }

  /** The first challenge, in base64; sent when the client gave no initial response. */
  prompt(): string {
    switch (this.#mechanism) {
      case "plain":
        return "";
      case "cram-md5":
        return encodeBase64(this.#salt);
      case "login":
      case "external":
        return USERNAME;
    }
  }

  response(line: ByteString): SaslStep {
    const message = decodeBase64(line);
    if (message === null) return this.#fault("base64 encoding");
    switch (this.#mechanism) {
      case "plain": {
        const parsed = parsePlain(message);
        if (typeof parsed === "string") return this.#fault(parsed);
        return { is: "done", method: "plain", user: parsed.user, password: parsed.password };
      }
      case "login":
        if (this.#user === null) {
          this.#user = message;
          return { is: "prompt", prompt: PASSWORD };
        }
        return { is: "done", method: "plain", user: this.#user, password: message };
      case "cram-md5": {
        const parsed = parseCramMd5(message);
        if (parsed === null) {
          const space = message.indexOf(" ");
          if (space >= 0) this.#user = message.slice(0, space);
          return this.#fault("CRAM-MD5 hash");
        }
        return { is: "done", method: "cram-md5", user: parsed.user, password: parsed.password };
      }
      case "external":
        return { is: "done", method: "external", user: message, password: "" };
    }
  }

  #fault(what: string): SaslStep {
    const name = this.#mechanism.toUpperCase();
    return { is: "fault", message: `client sent invalid ${what} in AUTH ${name} command` };
  }
}
