/**
 * The questions of `test-auth --suite`: what an auth server must get right, as data. Pure.
 *
 * What is demanded: `allowed` and `denied` are what they say; `answered` is any answer that keeps to the
 * protocol, for questions that a server may honestly refuse or grant.
 */

import { type ByteString, toByteString } from "../core/bytes.ts";
import { isToken } from "./auth-question.ts";
import type { AuthMethod, ProtocolName } from "../session/machine.ts";

export type Demand = "allowed" | "denied" | "answered";

/**
 * How it is asked. `kept`: twice on one connection. `pieces`: byte by byte. `crowd`: several at once.
 * `closing`: with `Connection: close`. `after a mistake`: a wrong password first. `to the end`: again after each WAIT.
 */
export type Manner =
  | "once"
  | "kept"
  | "closing"
  | "pieces"
  | "crowd"
  | "after a mistake"
  | "to the end";

export interface Case {
  readonly group: string;
  readonly name: string;
  readonly demand: Demand;
  readonly protocol: ProtocolName;
  readonly method: AuthMethod;
  readonly user: ByteString;
  readonly password: ByteString;
  readonly attempt: number;
  /** For `none`: helo, sender, recipient. */
  readonly envelope: readonly [ByteString, ByteString, ByteString] | null;
  readonly clientIp: string | null;
  readonly http: "1.0" | "1.1";
  readonly manner: Manner;
  /** A header that must not come back: the user name tries to make one. */
  readonly injected: string | null;
  /** `ADDRESS:PORT` that a success must name; null: any. */
  readonly server: string | null;
}

/** What the cases are about. */
export interface Subject {
  readonly protocol: ProtocolName;
  /** Null: no login is known to be right; what would need one is left out. */
  readonly right: { readonly user: ByteString; readonly password: ByteString } | null;
  /** Those to try; apop is tried with POP3, none with SMTP. */
  readonly methods: readonly AuthMethod[];
}

/** Somebody whom no server knows. */
const NOBODY = "doorpost-test-nobody";
export const GUESS = "doorpost-test-wrong";
const INJECTED = "X-Doorpost-Injected";

type Draft = Partial<Case> & Pick<Case, "name">;

export function builtInCases(subject: Subject): readonly Case[] {
  return [
    ...group(subject, "logins", logins(subject)),
    ...group(subject, "characters", characters(subject)),
    ...group(subject, "methods", methods(subject)),
    ...group(subject, "attempts", attempts()),
    ...group(subject, "waiting", waiting(subject)),
    ...group(subject, "protocols", protocols(subject)),
    ...group(subject, "connections", connections(subject)),
  ];
}

/** A whole case from what makes it special: a wrong login, asked plainly, which must be denied. */
export function caseOf({ protocol, right }: Subject, name: string, draft: Draft): Case {
  return {
    group: name,
    demand: "denied",
    protocol,
    method: "plain",
    user: right?.user ?? NOBODY,
    password: GUESS,
    attempt: 1,
    envelope: null,
    clientIp: null,
    http: "1.0",
    manner: "once",
    injected: null,
    server: null,
    ...draft,
  };
}

function group(subject: Subject, name: string, drafts: readonly Draft[]): Case[] {
  return drafts.map((draft) => caseOf(subject, name, draft));
}

function logins({ right }: Subject): Draft[] {
  const drafts: readonly Draft[] = right === null ? [] : [
    { name: "right password", demand: "allowed", password: right.password },
    { name: "right password, longer by one letter", password: `${right.password}x` },
    { name: "right password, shorter by one", password: right.password.slice(0, -1) },
    { name: "right password with a space behind", password: `${right.password} ` },
    { name: "right password, other case", password: otherCase(right.password) },
  ];
  // A password without letters has no other case, and an empty one nothing to lose.
  const known = drafts.filter(({ demand, password }) =>
    demand === "allowed" || password !== right?.password
  );
  return [
    ...known,
    { name: "wrong password" },
    { name: "unknown user", user: NOBODY },
    { name: "empty password", password: "" },
    { name: "empty user", user: "" },
    { name: "empty user and password", user: "", password: "" },
    { name: "password of 512 bytes", password: "p".repeat(512) },
    { name: "user of 512 bytes", user: "u".repeat(512) },
  ];
}

function otherCase(text: ByteString): ByteString {
  const upper = text.toUpperCase();
  return upper === text ? text.toLowerCase() : upper;
}

function characters({ right }: Subject): Draft[] {
  const odd: readonly (readonly [string, string])[] = [
    ["a space", "a b"],
    ["a percent sign", "50%"],
    ["a percent escape", "%41%00"],
    ["a plus sign", "a+b"],
    ["double quotes", 'a"b"'],
    ["single quotes", "' OR '1'='1"],
    ["a backslash", "a\\b\\"],
    ["UTF-8", toByteString("pässwörd-ключ")],
    ["bytes that are not UTF-8", "\xff\xfe"],
    ["a colon and a slash", "a:b/c"],
    ["markup", "<b>&amp;"],
    ["a NUL", "a\0b"],
  ];
  // A server that decodes twice takes an escape, sent as such, for the letter it stands for.
  const twice: Draft[] = right === null || right.password === "" ? [] : [{
    name: "right password, its first letter as an escape",
    password: escape(right.password[0]) + right.password.slice(1),
  }];
  const header = `\r\n${INJECTED}: yes`;
  return [
    ...odd.map(([what, text]): Draft => ({ name: `password with ${what}`, password: text })),
    ...odd.map(([what, text]): Draft => ({ name: `user with ${what}`, user: text })),
    ...twice,
    { name: "line end in the user", user: `${NOBODY}${header}`, injected: INJECTED },
    { name: "line end in the password", password: `${GUESS}${header}`, injected: INJECTED },
    {
      name: "line end and a success in the user",
      user: `${NOBODY}\r\nAuth-Status: OK\r\nAuth-Server: 127.0.0.1\r\nAuth-Port: 1`,
    },
  ];
}

function escape(char: string): string {
  return `%${char.charCodeAt(0).toString(16).padStart(2, "0")}`;
}

function methods({ right, methods: all }: Subject): Draft[] {
  return all.flatMap((method): Draft[] => {
    if (method === "none") return envelopes();
    const wrong: Draft = {
      name: `${method}, wrong`,
      method,
      ...(method === "apop" && { protocol: "pop3" as const }),
    };
    // Without a certificate EXTERNAL proves nothing.
    if (method === "external") return [{ ...wrong, name: "external without a certificate" }];
    // The password that is known to be right is no token.
    if (right === null || isToken(method)) return [wrong];
    const demand = method === "plain" ? "allowed" : "answered";
    return [{ ...wrong, name: `${method}, right`, demand, password: right.password }, wrong];
  });
}

function envelopes(): Draft[] {
  const none = {
    method: "none",
    protocol: "smtp",
    user: "",
    password: "",
    demand: "answered",
  } as const;
  const to = "RCPT TO:<doorpost-test@example.com>";
  return [
    {
      ...none,
      name: "none, from and to",
      envelope: ["client.example", "MAIL FROM:<a@example.com>", to],
    },
    { ...none, name: "none, empty sender", envelope: ["client.example", "MAIL FROM:<>", to] },
    { ...none, name: "none, without HELO", envelope: ["", "MAIL FROM:<a@example.com>", to] },
    {
      ...none,
      name: "none, ESMTP parameters",
      envelope: ["client.example", "MAIL FROM:<a@example.com> SIZE=1000 BODY=8BITMIME", to],
    },
  ];
}

function attempts(): Draft[] {
  return [2, 3, 10, 1000].map((attempt) => ({ name: `attempt ${attempt}`, attempt }));
}

/** What `Auth-Wait` is for: the proxy holds the refusal back, and the server need not punish besides. */
function waiting({ right }: Subject): Draft[] {
  return [
    { name: "a refusal, within what a client waits" },
    { name: "an undecided login is decided in the end", manner: "to the end" },
    ...(right === null ? [] : [{
      name: "right password after a wrong one",
      demand: "allowed" as const,
      password: right.password,
      manner: "after a mistake" as const,
    }]),
  ];
}

function protocols({ right }: Subject): Draft[] {
  const all: readonly ProtocolName[] = ["imap", "pop3", "smtp"];
  return [
    ...all.map((protocol): Draft =>
      right === null ? { name: `${protocol}, wrong password`, protocol } : {
        name: `${protocol}, right password`,
        protocol,
        demand: "answered",
        password: right.password,
      }
    ),
    { name: "a client with an IPv6 address", clientIp: "2001:db8::1" },
  ];
}

function connections({ right }: Subject): Draft[] {
  const login: Omit<Draft, "name"> = right === null
    ? {}
    : { demand: "allowed", password: right.password };
  return [
    { ...login, name: "HTTP/1.0" },
    { ...login, name: "HTTP/1.1", http: "1.1" },
    { ...login, name: "HTTP/1.1, two questions on a connection", http: "1.1", manner: "kept" },
    { ...login, name: "HTTP/1.1, Connection: close", http: "1.1", manner: "closing" },
    { ...login, name: "a request in small pieces", manner: "pieces" },
    { ...login, name: "eight at once", manner: "crowd" },
  ];
}
