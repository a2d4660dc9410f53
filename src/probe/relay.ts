/**
 * Whether a server takes mail for a foreign address from a stranger: MAIL and RCPT, then RSET. Only for
 * the one recipient that the user named; no mail is ever sent.
 */

import type { ByteString } from "../core/bytes.ts";
import { command } from "./clients/client.ts";
import type { Finding } from "./model.ts";
import type { Place } from "./options.ts";
import { display, Fault, type Talk } from "./talk.ts";

export async function checkRelay(place: Place, to: ByteString): Promise<Finding[]> {
  const client = place.client();
  if (client.protocol !== "smtp") return [];
  let talk: Talk | null = null;
  try {
    talk = await place.connect();
    if (place.target.implicitTls) await talk.startTls(place.context(), place.serverName);
    await talk.reply(client, null);
    await talk.ask(client, client.ask[0]());
    const from = await talk.ask(client, command("MAIL FROM:<>"));
    if (from.is !== "ok") return [];
    const recipient = await talk.ask(client, command(`RCPT TO:<${to}>`));
    await talk.ask(client, command("RSET"));
    await talk.ask(client, client.logout());
    if (recipient.is !== "ok") return [];
    const message = `open relay: mail for ${display(to)} is taken without a login`;
    return [{ id: "open-relay", severity: "error", message }];
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    const message = `the check for an open relay failed: ${error.message}`;
    return [{ id: "relay-check-failed", severity: "info", message }];
  } finally {
    talk?.drop();
  }
}
