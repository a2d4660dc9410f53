/**
 * IMAP as a client (RFC 3501; RFC 4959 for initial responses, RFC 2595 for STARTTLS): tagged commands,
 * and replies that end with the tag or ask for more with `+`.
 */

import type { ByteString } from "../../core/bytes.ts";
import type { Reader } from "../../wire/reader.ts";
import {
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

/** What `--xclient` may say to an IMAP server. */
export const ID_FIELDS: Readonly<Record<string, string>> = {
  ADDR: "x-originating-ip",
  PORT: "x-originating-port",
  DESTADDR: "x-connected-ip",
  DESTPORT: "x-connected-port",
  SESSION: "x-session-id",
  TTL: "x-proxy-ttl",
};

export class ImapClient implements Client {
  readonly protocol = "imap";
  readonly ask = [() => this.#tagged("CAPABILITY")];
  #number = 0;

  read(reader: Reader, command: Command | null): Reading {
    return readLines(reader, command ? (line) => ends(line, command.tag ?? "") : greets);
  }

  capabilities({ lines }: Reply): readonly string[] {
    const found = lines.map((line) =>
      /^\* CAPABILITY (.*)$/i.exec(line) ?? /\[CAPABILITY ([^\]]*)\]/i.exec(line)
    );
    const words = (found.findLast((match) => match !== null)?.[1] ?? "").trim().toUpperCase();
    return words === "" ? [] : [...new Set(words.split(/\s+/))];
  }

  starttls(): Command {
    return this.#tagged("STARTTLS");
  }

  offersStartTls(capabilities: readonly string[]): boolean {
    return capabilities.includes("STARTTLS");
  }

  /** RFC 2971, with the fields that Dovecot reads from a proxy that it trusts. */
  introduce(attributes: ByteString): Command {
    const fields = attributes.split(/\s+/).map((word) => {
      const [name, value = ""] = word.split(/=(.*)/s);
      return `"${ID_FIELDS[name.toUpperCase()] ?? name}" "${value.replace(/[\\"]/g, "\\$&")}"`;
    });
    return this.#tagged(`ID (${fields.join(" ")})`);
  }

  introductionMissing({ capabilities }: Offer): string | null {
    return capabilities.includes("ID") ? null : "ID";
  }

  methods({ capabilities }: Offer): readonly Method[] {
    const sasl = saslMethods(capabilities);
    return capabilities.includes("LOGINDISABLED") ? sasl : [...sasl, "command"];
  }

  login(method: Method, login: Login, { capabilities, nonce }: Offer): LoginScript {
    if (method === "command") return this.#plainly(login);
    return saslScript(method, login, {
      nonce,
      initialResponse: capabilities.includes("SASL-IR"),
      begin: (name, initial) => {
        const text = `AUTHENTICATE ${name}`;
        return this.#tagged(initial === null ? text : `${text} ${initial}`, masked(text, initial));
      },
      line: (text, begun) => command(text, { shown: MASK, tag: begun.tag }),
    });
  }

  /** LOGIN with literals, which carry any byte. */
  *#plainly({ user, password }: Login): LoginScript {
    const begun = this.#tagged(`LOGIN {${user.length}}`);
    const prompt = yield begun;
    if (prompt.is !== "more") return;
    const { tag } = begun;
    const size = password.length;
    const next = yield command(`${user} {${size}}`, { tag, shown: `${user} {${MASK}}` });
    if (next.is === "more") yield command(password.reveal(), { tag, shown: MASK });
  }

  harmless(): Command {
    return this.#tagged("NOOP");
  }

  count(): Command {
    return this.#tagged("STATUS INBOX (MESSAGES)");
  }

  counted({ lines }: Reply): number | null {
    const found = lines.map((line) => /^\* STATUS .*\bMESSAGES (\d{1,10})\b/i.exec(line));
    const match = found.find((each) => each !== null);
    return match ? Number(match[1]) : null;
  }

  logout(): Command {
    return this.#tagged("LOGOUT");
  }

  #tagged(text: ByteString, shown: ByteString = text): Command {
    const tag = `a${++this.#number}`;
    return command(`${tag} ${text}`, { tag, shown: `${tag} ${shown}` });
  }
}

function greets(line: ByteString): Omit<Reply, "lines"> | null {
  const match = /^\* (OK|PREAUTH|BYE)\b ?(.*)$/i.exec(line);
  if (!match) return null;
  return { is: match[1].toUpperCase() === "BYE" ? "no" : "ok", text: match[2] };
}

function ends(line: ByteString, tag: ByteString): Omit<Reply, "lines"> | null | undefined {
  if (line.startsWith("+")) return { is: "more", text: line.slice(1).trimStart() };
  if (line.startsWith("* ")) return undefined;
  const match = /^(\S+) (OK|NO|BAD)\b ?(.*)$/i.exec(line);
  if (!match || match[1] !== tag) return null;
  return { is: match[2].toUpperCase() === "OK" ? "ok" : "no", text: match[3] };
}
