/**
 * Whether a server takes mail for a foreign address from a stranger: MAIL and RCPT, then RSET. Only for
 * the one recipient that the user named; no mail is ever sent.
 */

import type { ByteString } from "../core/bytes.ts";
import { type Client, command } from "./clients/client.ts";
import type { Checked } from "./model.ts";
import type { Place } from "./options.ts";
import { display, Fault, type Talk } from "./talk.ts";

export async function checkRelay(place: Place, to: ByteString): Promise<Checked> {
  const client = place.client();
  if (client.protocol !== "smtp") {
    return { said: "nothing to check: this is no SMTP", findings: [] };
  }
  let talk: Talk | null = null;
  try {
    talk = await place.connect();
    if (place.target.implicitTls) await talk.startTls(place.context(), place.serverName);
    await talk.reply(client, null);
    await greet(place, talk, client);
    const from = await talk.ask(client, command("MAIL FROM:<>"));
    if (from.is !== "ok") return { said: `refused: ${display(from.text)}`, findings: [] };
    const recipient = await talk.ask(client, command(`RCPT TO:<${to}>`));
    await talk.ask(client, command("RSET"));
    await talk.ask(client, client.logout());
    if (recipient.is !== "ok") {
      return { said: `refused: ${display(recipient.text)}`, findings: [] };
    }
    const message = `open relay: mail for ${display(to)} is taken without a login`;
    const finding = { id: "open-relay", severity: "error", message } as const;
    return { said: `taken: ${display(recipient.text)}`, findings: [finding] };
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    const message = `the check for an open relay failed: ${error.message}`;
    const finding = { id: "relay-check-failed", severity: "info", message } as const;
    return { said: "not known", findings: [finding] };
  } finally {
    talk?.drop();
  }
}

/** EHLO, and once more under TLS where that is offered: some take no mail before it. */
async function greet(place: Place, talk: Talk, client: Client): Promise<void> {
  const hello = await talk.ask(client, client.ask[0]());
  const offered = hello.is === "ok" && client.offersStartTls(client.capabilities(hello));
  if (!offered || talk.secured || place.options.starttls === "never") return;
  if ((await talk.ask(client, client.starttls())).is !== "ok") return;
  await talk.startTls(place.context(), place.serverName);
  await talk.ask(client, client.ask[0]());
}
