/**
 * SMTP as a client (RFC 5321; RFC 4954 for AUTH, RFC 3207 for STARTTLS). Replies are lines of one
 * three-digit code, all but the last with a hyphen behind it.
 */

import type { ByteString } from "../../core/bytes.ts";
import type { Reader } from "../../wire/reader.ts";
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

export class SmtpClient implements Client {
  readonly protocol = "smtp";
  readonly ask: readonly (() => Command)[];

  constructor(helo: ByteString) {
    this.ask = [() => command(`EHLO ${helo}`), () => command(`HELO ${helo}`)];
  }

  read(reader: Reader): Reading {
    let first = "";
    return readLines(reader, (line, index) => {
      const match = /^([2-5]\d\d)(?:([ -])(.*))?$/.exec(line);
      if (index === 0) first = match?.[1] ?? "";
      if (!match || match[1] !== first) return null;
      if (match[2] === "-") return undefined;
      const is = match[1][0] === "2" ? "ok" : match[1][0] === "3" ? "more" : "no";
      return { is, text: is === "more" ? match[3] ?? "" : line };
    });
  }

  capabilities({ lines }: Reply): readonly string[] {
    const found = lines.slice(1).flatMap((line) => {
      const text = line.slice(4).trim().toUpperCase();
      // `AUTH=PLAIN LOGIN` is how servers speak to clients older than RFC 2554.
      const auth = /^AUTH[ =](.*)$/.exec(text);
      return auth ? authWords(auth[1]) : text === "" ? [] : [text];
    });
    return [...new Set(found)];
  }

  starttls(): Command {
    return command("STARTTLS");
  }

  offersStartTls(capabilities: readonly string[]): boolean {
    return capabilities.includes("STARTTLS");
  }

  introduce(attributes: ByteString): Command {
    return command(`XCLIENT ${attributes}`);
  }

  introductionMissing({ capabilities }: Offer): string | null {
    return capabilities.some((each) => /^XCLIENT\b/.test(each)) ? null : "XCLIENT";
  }

  methods({ capabilities }: Offer): readonly Method[] {
    return saslMethods(capabilities);
  }

  login(method: Method, login: Login, { nonce }: Offer): LoginScript {
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

  harmless(): Command {
    return command("NOOP");
  }

  logout(): Command {
    return command("QUIT");
  }
}
