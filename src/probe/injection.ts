/**
 * STARTTLS command injection (RFC 3207 section 6, RFC 2595 section 2.1, CVE-2011-0411): a command that
 * comes in one packet with STARTTLS must be forgotten. A server that runs it under TLS lets an attacker
 * put words into a client's session.
 *
 * The check is harmless: the injected command is a NOOP (POP3: CAPA), and under TLS we say goodbye at
 * once. Whoever answers more than once has run it.
 */

import type { Client, Command } from "./clients/client.ts";
import type { Capabilities, Checked } from "./model.ts";
import type { Place } from "./options.ts";
import { Fault, type Talk } from "./talk.ts";

export async function checkInjection(
  place: Place,
  { cleartext }: Capabilities,
): Promise<Checked> {
  const client = place.client();
  if (!cleartext || !client.offersStartTls(cleartext)) {
    return { said: "nothing to check: there is no STARTTLS", findings: [] };
  }
  let talk: Talk | null = null;
  try {
    talk = await place.connect();
    return await inject(place, talk, client);
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    // It may well hang up on such a client, or break off the handshake.
    if (error.kind === "closed" || error.kind === "tls") {
      return { said: "safe: the server breaks off", findings: [] };
    }
    const message = `the check for STARTTLS injection failed: ${error.message}`;
    const finding = { id: "injection-check-failed", severity: "info", message } as const;
    return { said: "not known", findings: [finding] };
  } finally {
    talk?.drop();
  }
}

const REFUSED: Checked = { said: "not known: the server refuses", findings: [] };

async function inject(place: Place, talk: Talk, client: Client): Promise<Checked> {
  if ((await talk.reply(client, null)).is !== "ok") return REFUSED;
  if (client.protocol === "smtp") await talk.ask(client, client.ask[0]());
  const starttls = client.starttls();
  const injected = client.harmless(false);
  talk.send({ text: starttls.text + injected.text, shown: starttls.shown });
  if ((await talk.reply(client, starttls)).is !== "ok") return REFUSED;
  await talk.startTls(place.context(), place.serverName);
  const goodbye = client.logout();
  talk.send(goodbye);
  if (!await answersMore(talk, client, injected, goodbye)) {
    return { said: "safe: what was sent before the handshake is forgotten", findings: [] };
  }
  const verb = injected.shown.replace(/^a\d+ /, "");
  const message = `STARTTLS injection: a ${verb} sent before the handshake was run under TLS`;
  const finding = { id: "starttls-injection", severity: "error", message } as const;
  return { said: `a ${verb} was run under TLS`, findings: [finding] };
}

/** The first reply under TLS is to the goodbye, or to what was injected. */
async function answersMore(
  talk: Talk,
  client: Client,
  injected: Command,
  goodbye: Command,
): Promise<boolean> {
  if (client.protocol === "smtp") return (await talk.reply(client, goodbye)).text.startsWith("250");
  try {
    const reply = await talk.reply(client, client.protocol === "imap" ? injected : goodbye);
    if (client.protocol === "imap") return true;
    // A capability list begins with +OK as well: what tells is that more follows.
    await talk.reply(client, goodbye);
    return reply.is === "ok";
  } catch (error) {
    if (error instanceof Fault && (error.kind === "protocol" || error.kind === "closed")) {
      return client.protocol === "pop3" && error.kind === "protocol";
    }
    throw error;
  }
}
