/**
 * The sandbox behind `serve --demo`: an auth server and IMAP, POP3 and SMTP servers that share one
 * mailbox in memory, and the configuration that puts the ordinary proxy in front of them.
 *
 * Everything listens on 127.0.0.1; the servers behind the proxy on ports that the kernel chooses.
 */

import { NetError } from "../core/errors.ts";
import { type Log, SILENT } from "../core/log.ts";
import { type Endpoint, formatEndpoint, ip } from "../net/address.ts";
import type { Runtime } from "../net/ports.ts";
import { AuthConversation, type Targets } from "./auth-server.ts";
import { demoBanner } from "./banner.ts";
import { makeCertificate } from "./certificate.ts";
import { demoConfig } from "./config.ts";
import { ImapConversation } from "./imap/session.ts";
import { Mailbox } from "./mailbox.ts";
import { Pop3Conversation } from "./pop3.ts";
import { DEMO_PORT_BASE, type DemoPorts, portsFrom } from "./ports.ts";
import { type Backend, serve } from "./server.ts";
import { SmtpConversation } from "./smtp.ts";
import { furnish } from "./welcome.ts";

export { DEMO_PORT_BASE, type DemoPorts, portsFrom } from "./ports.ts";

export interface Demo {
  /** TOML for the proxy. It holds the demo's private key: not for logs. */
  readonly configText: string;
  /** What to print: what listens where, and what to try. Ends with a line end. */
  readonly banner: string;
  /** Where the proxy is to listen; a port 0 that was asked for is replaced by a free one. */
  readonly ports: DemoPorts;
  /** The servers behind the proxy. */
  readonly backends: Backends;
  /** Stops the servers and drops the mailbox. */
  stop(): Promise<void>;
}

export interface Backends {
  readonly imap: Endpoint;
  readonly pop3: Endpoint;
  readonly smtp: Endpoint;
  readonly auth: Endpoint;
}

export interface DemoOptions {
  readonly runtime: Runtime;
  /** Instead of the default ones; 0 asks for a free one. */
  readonly ports?: Partial<DemoPorts>;
  /** Where faults of the demo itself are told. */
  readonly log?: Log;
}

/** Rejects with a `NetError` that names the port, when one of the proxy's is busy. */
export async function startDemo({ runtime, ports, log = SILENT }: DemoOptions): Promise<Demo> {
  const chosen = await freePorts(runtime, { ...portsFrom(DEMO_PORT_BASE), ...ports });
  const now = () => runtime.clock.now();
  const mailbox = new Mailbox(Math.floor(now() / 1000));
  furnish(mailbox, now(), chosen);
  const started: Backend[] = [];
  const stop = async () => {
    await Promise.all(started.map((backend) => backend.stop()));
  };
  const start = async (converse: Parameters<typeof serve>[1]) => {
    const backend = await serve(runtime, converse, log);
    started.push(backend);
    return backend.at;
  };
  try {
    const imap = await start((outlet) => new ImapConversation(mailbox, now, outlet));
    const pop3 = await start((outlet) => new Pop3Conversation(mailbox, outlet));
    const smtp = await start((outlet, client) => {
      return new SmtpConversation(mailbox, now, outlet, client);
    });
    const targets: Targets = new Map(Object.entries({ imap, pop3, smtp }));
    const auth = await start((outlet) => new AuthConversation(targets, outlet));
    return {
      configText: demoConfig(chosen, auth, await makeCertificate(now())),
      banner: demoBanner(chosen),
      ports: chosen,
      backends: { imap, pop3, smtp, auth },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Tries every port before anything is started, so that a busy one is named at once. */
async function freePorts(runtime: Runtime, wanted: DemoPorts): Promise<DemoPorts> {
  const chosen: Record<keyof DemoPorts, number> = { ...wanted };
  const held = [];
  try {
    for (const name of Object.keys(wanted) as (keyof DemoPorts)[]) {
      const at = ip("127.0.0.1", wanted[name]);
      const listener = await runtime.listen(at, {}, (connection) => connection.destroy())
        .catch((error) => {
          throw explained(error, at, wanted[name] - portsFrom(0)[name]);
        });
      held.push(listener);
      if (listener.at.is === "ip") chosen[name] = listener.at.port;
    }
  } finally {
    for (const listener of held) await listener.close();
  }
  return chosen;
}

/** A busy port's error, with a way out: the next thousand above `base`. */
function explained(error: unknown, at: Endpoint, base: number): unknown {
  if (!(error instanceof NetError) || error.code !== "EADDRINUSE") return error;
  const other = `doorpost serve --demo --demo-port-base ${base + 1000}`;
  return new NetError(
    error.code,
    `Cannot bind ${formatEndpoint(at)}: address in use. ` +
      `Stop what listens there, or take other ports: ${other}`,
  );
}
