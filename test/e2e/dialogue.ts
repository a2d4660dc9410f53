/** The words of the three protocols, as far as every end-to-end test needs them. */

import { Buffer } from "node:buffer";
import { createHmac } from "node:crypto";
import { LineClient } from "../support/clients.ts";

export type Protocol = "imap" | "pop3" | "smtp";
export const PROTOCOLS: readonly Protocol[] = ["imap", "pop3", "smtp"];

/** How each says yes to a login, no to it, and that the fault is not the client's. */
export const REPLIES = {
  imap: { ok: /^a1 OK/, no: /^a1 NO/, broken: /^\* BAD internal server error$/ },
  pop3: { ok: /^\+OK/, no: /^-ERR/, broken: /^-ERR internal server error$/ },
  smtp: {
    ok: /^235 2\.\d\.0 /,
    no: /^535 5\.7\.0 /,
    broken: /^451 4\.3\.2 Internal server error$/,
  },
} as const;

export const STARTTLS = {
  imap: { command: "s1 STARTTLS", reply: /^s1 OK/ },
  pop3: { command: "STLS", reply: /^\+OK/ },
  smtp: { command: "STARTTLS", reply: /^220 / },
} as const;

/** Connected and greeted; for SMTP also after EHLO. */
export async function greeted(protocol: Protocol, port: number): Promise<LineClient> {
  const client = await LineClient.connect(port);
  await client.lines(/^(?:\* OK|\+OK|220 )/);
  if (protocol === "smtp") await ehlo(client);
  return client;
}

export async function ehlo(client: LineClient): Promise<string[]> {
  client.send("EHLO client.test");
  return await client.lines(/^250 /);
}

/** Logs in in the protocol's plainest way; the reply that decides. */
export async function logIn(
  client: LineClient,
  protocol: Protocol,
  user: string,
  password: string,
): Promise<string> {
  switch (protocol) {
    case "imap":
      client.send(`a1 LOGIN ${quoted(user)} ${quoted(password)}`);
      return (await client.lines(/^a1 |^\* (?:BAD|BYE)/)).at(-1)!;
    case "pop3": {
      const reply = await client.ask(`USER ${user}`);
      return reply.startsWith("+OK") ? await client.ask(`PASS ${bytes(password)}`) : reply;
    }
    case "smtp":
      return await client.ask(`AUTH PLAIN ${base64(`\0${user}\0${password}`)}`);
  }
}

export async function logOut(client: LineClient, protocol: Protocol): Promise<void> {
  client.send(protocol === "imap" ? "a9 LOGOUT" : "QUIT");
  await client.closed();
}

/** An IMAP quoted string (RFC 3501). */
export function quoted(text: string): string {
  return `"${bytes(text).replace(/["\\]/g, "\\$&")}"`;
}

export function base64(text: string): string {
  return Buffer.from(text, "utf8").toString("base64");
}

export function unbase64(text: string): string {
  return Buffer.from(text, "base64").toString("utf8");
}

/** The answer to a CRAM-MD5 challenge (RFC 2195). */
export function cramAnswer(challenge: string, user: string, password: string): string {
  const digest = createHmac("md5", password).update(unbase64(challenge)).digest("hex");
  return base64(`${user} ${digest}`);
}

/** UTF-8 as the line client wants it: one character a byte. */
function bytes(text: string): string {
  return Buffer.from(text, "utf8").toString("latin1");
}
