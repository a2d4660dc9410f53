/** The one account of the demo. Its password is public: it is printed in the banner. */

import type { ByteString } from "../core/bytes.ts";
import { Secret } from "../core/secret.ts";

export const DEMO_USER = "demo@example.com";
export const DEMO_PASSWORD: Secret = new Secret("doorpost");

/** What every demo server says to a wrong login. */
export const DENIED = "Invalid login or password";

export function accepts(user: ByteString, password: Secret): boolean {
  return user === DEMO_USER && password.reveal() === DEMO_PASSWORD.reveal();
}
