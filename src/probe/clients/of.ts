/** Which client speaks which protocol. */

import type { ByteString } from "../../core/bytes.ts";
import type { ProtocolName } from "../../session/machine.ts";
import type { Client } from "./client.ts";
import { ImapClient } from "./imap.ts";
import { Pop3Client } from "./pop3.ts";
import { SmtpClient } from "./smtp.ts";

/** A new one for each connection: IMAP counts its tags. */
export function clientOf(protocol: ProtocolName, helo: ByteString): Client {
  if (protocol === "imap") return new ImapClient();
  return protocol === "pop3" ? new Pop3Client() : new SmtpClient(helo);
}
