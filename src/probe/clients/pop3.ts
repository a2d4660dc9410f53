/**
 * POP3 as a client (RFC 1939; RFC 2449 for CAPA, RFC 5034 for AUTH, RFC 2595 for STLS). Replies begin
 * with `+OK`, `-ERR` or, in SASL exchanges, `+ `.
 */

import { type ByteString, encode, hexOf } from "../../core/bytes.ts";
import type { Reader } from "../../wire/reader.ts";
import { md5 } from "../md5.ts";
import {
  authWords,
  type Client,
  type Command,
  command,
  type Login,
  type LoginScript,
  MASK,
  type Method,
  type Offer,
  type Reading,
  readLines,
  type Reply,
  saslMethods,
} from "./client.ts";
import { masked, saslScript } from "./sasl.ts";

export class Pop3Client implements Client {
  readonly protocol = "pop3";
  readonly ask = [() => command("CAPA", { dotted: true })];

  read(reader: Reader, command: Command | null): Reading {
    let head: Omit<Reply, "lines"> | null = null;
    return readLines(reader, (line, index) => {
      if (index > 0) return line === "." ? head : undefined;
      head = statusOf(line);
      return head?.is === "ok" && command?.dotted ? undefined : head;
    });
  }

  capabilities({ lines }: Reply): readonly string[] {
    const found = lines.slice(1).filter((line) => line !== ".").flatMap((line) => {
      const sasl = /^SASL\s+(.*)$/i.exec(line);
      return sasl ? authWords(sasl[1]) : [line.trim().toUpperCase()];
    });
    return [...new Set(found)];
  }

  starttls(): Command {
    return command("STLS");
  }

  offersStartTls(capabilities: readonly string[]): boolean {
    return capabilities.includes("STLS");
  }

  /** Dovecot's, after Postfix's. */
  introduce(attributes: ByteString): Command {
    return command(`XCLIENT ${attributes}`);
  }

  /** Dovecot offers it in the greeting of those it trusts. */
  introductionMissing({ capabilities, greeting }: Offer): string | null {
    const offered = /^\[XCLIENT\]/.test(greeting) || capabilities.includes("XCLIENT");
    return offered ? null : "XCLIENT";
  }

  /** A server without CAPA can be expected to know USER. */
  methods({ capabilities, greeting }: Offer): readonly Method[] {
    const found = saslMethods(capabilities);
    if (stampOf(greeting) !== null) found.push("apop");
    if (capabilities.length === 0 || capabilities.includes("USER")) found.push("command");
    return found;
  }

  login(method: Method, login: Login, { greeting, nonce }: Offer): LoginScript {
    if (method === "command") return plainly(login);
    if (method === "apop") return digested(login, stampOf(greeting) ?? "");
    return saslScript(method, login, {
      nonce,
      initialResponse: true,
      begin: (name, initial) => {
        const text = `AUTH ${name}`;
        return command(initial === null ? text : `${text} ${initial}`, {
          shown: masked(text, initial),
        });
      },
      line: (text) => command(text, { shown: MASK }),
    });
  }

  harmless(loggedIn: boolean): Command {
    // NOOP belongs to the transaction state (RFC 1939 section 5).
    return loggedIn ? command("NOOP") : this.ask[0]();
  }

  count(): Command {
    return command("STAT");
  }

  counted({ text }: Reply): number | null {
    const match = /^(\d{1,10})\b/.exec(text);
    return match ? Number(match[1]) : null;
  }

  logout(): Command {
    return command("QUIT");
  }
}

function* plainly({ user, password }: Login): LoginScript {
  const reply = yield command(`USER ${user}`);
  if (reply.is === "ok") yield command(`PASS ${password.reveal()}`, { shown: `PASS ${MASK}` });
}

/** RFC 1939 section 7: the digest of stamp and password. */
function* digested({ user, password }: Login, stamp: ByteString): LoginScript {
  const digest = hexOf(md5(encode(stamp + password.reveal())));
  yield command(`APOP ${user} ${digest}`, { shown: `APOP ${user} ${MASK}` });
}

function stampOf(greeting: ByteString): ByteString | null {
  return /<[^<>@\s]+@[^<>\s]*>/.exec(greeting)?.[0] ?? null;
}

function statusOf(line: ByteString): Omit<Reply, "lines"> | null {
  const match = /^(\+OK|-ERR|\+)(?: (.*))?$/i.exec(line);
  if (!match) return null;
  const is = ({ "+OK": "ok", "-ERR": "no", "+": "more" } as const)[
    match[1].toUpperCase() as "+OK" | "-ERR" | "+"
  ];
  return { is, text: match[2] ?? "" };
}
