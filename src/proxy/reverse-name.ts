/**
 * The client's verified reverse name, for `Client-Host` and XCLIENT NAME (behaviour of nginx's
 * `resolver` in SMTP servers).
 */

import type { LogEvent } from "../core/log.ts";
import type { Endpoint } from "../net/address.ts";

/** The client has no name, or none that leads back to it. */
export const UNAVAILABLE = "[UNAVAILABLE]";
/** The name could not be found out just now. */
export const TEMPUNAVAIL = "[TEMPUNAVAIL]";

export interface ReverseNames {
  /** The name, in lower case, or one of the two words above. Never rejects. */
  nameOf(client: Endpoint, note: (event: LogEvent) => void): Promise<string>;
}
