/**
 * `ssl_session_cache` on Node: sessions of TLS 1.2 clients that resume without tickets. OpenSSL asks
 * for them through the events of a `tls.Server` (`newSession`, `resumeSession`); this is one that does
 * nothing else. How long a session is good is OpenSSL's to judge when it gets it back.
 */

import type { Buffer } from "node:buffer";
import { EventEmitter } from "node:events";

/** The oldest of more than `size` are forgotten. */
export function makeSessionStore(size: number): EventEmitter {
  const sessions = new Map<string, Buffer>();
  const store = new EventEmitter();
  store.on("newSession", (id: Buffer, session: Buffer, done: () => void) => {
    sessions.set(id.toString("hex"), session);
    if (sessions.size > size) sessions.delete(sessions.keys().next().value!);
    done();
  });
  store.on(
    "resumeSession",
    (id: Buffer, found: (error: null, session: Buffer | null) => void) =>
      found(null, sessions.get(id.toString("hex")) ?? null),
  );
  return store;
}
