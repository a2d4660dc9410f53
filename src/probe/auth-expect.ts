/** `test-auth --expect`: what must hold, for use in scripts. Pure. */

import { type ByteString, toByteString } from "../core/bytes.ts";
import { formatAddress, formatEndpoint, ip, parseAddress } from "../net/address.ts";
import type { Decision } from "./auth-decision.ts";
import { shown } from "./auth-decision.ts";

export type Expectation =
  | { readonly is: "allowed" | "denied"; readonly text: string }
  | { readonly is: "server"; readonly server: string; readonly text: string }
  | { readonly is: "user"; readonly user: ByteString; readonly text: string }
  | { readonly is: "within"; readonly ms: number; readonly text: string };

export interface Met {
  readonly expect: string;
  readonly met: boolean;
  /** What was found instead, or as well. */
  readonly found: string;
}

/** Reads one word of the command line; a sentence when it is none. */
export function readExpectation(text: string): Expectation | { readonly problem: string } {
  if (text === "allowed" || text === "denied") return { is: text, text };
  const [, name, value] = /^(server|user|within)=(.*)$/s.exec(text) ?? [];
  switch (name) {
    case "server": {
      const server = readServer(value);
      return server === null
        ? { problem: `"${value}" is no address with a port` }
        : { is: "server", server, text };
    }
    case "user":
      return { is: "user", user: toByteString(value), text };
    case "within": {
      const ms = readTime(value);
      return ms === null ? { problem: `"${value}" is no time` } : { is: "within", ms, text };
    }
    default:
      return { problem: "it is allowed, denied, server=ADDRESS:PORT, user=NAME or within=200ms" };
  }
}

/** An address with a port, in canonical form; null when it is none. */
export function readServer(text: string): string | null {
  const match = /^\[?([^\]]+)\]?:(\d{1,5})$/.exec(text);
  const bytes = match === null ? null : parseAddress(match[1]);
  return bytes === null ? null : formatEndpoint(ip(formatAddress(bytes), Number(match![2])));
}

function readTime(text: string): number | null {
  const match = /^(\d{1,9}(?:\.\d{1,3})?)(ms|s)?$/.exec(text);
  if (match === null) return null;
  return Number(match[1]) * (match[2] === "s" ? 1000 : 1);
}

/** `user` is who asked: a decision that does not rename leaves that one. */
export function meets(
  expectation: Expectation,
  decision: Decision,
  user: ByteString,
  totalMs: number,
): Met {
  const { text: expect } = expectation;
  switch (expectation.is) {
    case "allowed":
    case "denied":
      return { expect, met: decision.is === expectation.is, found: decision.is };
    case "server": {
      const found = decision.is === "allowed" ? formatEndpoint(decision.target) : decision.is;
      return { expect, met: found === expectation.server, found };
    }
    case "user": {
      if (decision.is !== "allowed") return { expect, met: false, found: decision.is };
      const found = decision.user ?? user;
      return { expect, met: found === expectation.user, found: shown(found) };
    }
    case "within": {
      const answered = decision.is !== "unreachable";
      return {
        expect,
        met: answered && totalMs <= expectation.ms,
        found: `${totalMs.toFixed(1)} ms`,
      };
    }
  }
}
