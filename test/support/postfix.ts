/**
 * A real Postfix instance of its own: configuration, queue and data below a temporary folder, smtpd on
 * a free loopback port, XCLIENT allowed to 127.0.0.1, every address of `mail.test` delivered to Dovecot
 * by LMTP, and SMTP AUTH asked of Dovecot. Postfix's master insists on root.
 */

import { existsSync, mkdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { type Dovecot, greets } from "./dovecot.ts";
import {
  findProgram,
  freePort,
  runProgram,
  skipWithout,
  startChild,
  temporaryFolder,
} from "./process.ts";

/** The domain that this Postfix delivers for. */
export const MAIL_DOMAIN = "mail.test";

export interface Postfix {
  readonly smtp: number;
  readonly folder: string;
  log(): string;
  /** Settles when the mail log has a match. */
  logged(pattern: RegExp, ms?: number): Promise<RegExpMatchArray>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** As `skipWithout`, and Postfix's need of root. */
export function skipWithoutPostfix(): string | false {
  const skip = skipWithout("postfix", "dovecot");
  if (skip !== false || userInfo().uid === 0) return skip;
  if (process.env["DOORPOST_REQUIRE_SERVERS"] === "1") throw new Error("Postfix needs root");
  return "Postfix needs root";
}

/** @param more lines of main.cf that come last, and so win. */
export async function startPostfix(dovecot: Dovecot, more = ""): Promise<Postfix> {
  const folder = temporaryFolder("postfix");
  const smtp = await freePort();
  const config = join(folder, "config");
  mkdirSync(config);
  writeFileSync(join(config, "main.cf"), mainCf(folder, dovecot) + more);
  writeFileSync(join(config, "master.cf"), masterCf(smtp));
  makeQueue(folder);
  // Postfix waits with a main.cf younger than two seconds, in case that somebody is still writing it.
  const past = new Date(Date.now() - 60_000);
  utimesSync(join(config, "main.cf"), past, past);

  // The master itself and not `postfix start`, whose checks of the installation take two seconds. In a
  // group of its own: it signals its whole group when it is stopped.
  const programs = runProgram(findProgram("postconf")!, ["-h", "daemon_directory"]).trim();
  const child = startChild(join(programs, "master"), ["-c", config, "-s"], { detached: true });
  const file = join(folder, "mail.log");
  const log = () => (existsSync(file) ? readFileSync(file, "utf8") : "") + child.output();
  const postfix: Postfix = {
    smtp,
    folder,
    log,
    async logged(pattern, ms = 15_000) {
      for (const end = Date.now() + ms; Date.now() < end; await sleep(30)) {
        const match = log().match(pattern);
        if (match !== null) return match;
      }
      throw new Error(`Postfix did not log ${pattern}:\n${log()}`);
    },
    async [Symbol.asyncDispose]() {
      await child.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  try {
    await greets(smtp);
    return postfix;
  } catch (error) {
    const why = `Postfix did not start: ${error}\n${log()}`;
    await postfix[Symbol.asyncDispose]();
    throw new Error(why);
  }
}

/** The folders that `postfix check` would make, with the owners that it would give them. */
function makeQueue(folder: string): void {
  const queue = join(folder, "queue");
  const names = "active bounce corrupt defer deferred flush hold incoming private saved trace";
  const owned = [...names.split(" "), "public", "maildrop"].map((name) => join(queue, name));
  for (const path of [queue, join(queue, "pid"), ...owned, join(folder, "data")]) mkdirSync(path);
  runProgram("chown", ["postfix", ...owned, join(folder, "data")]);
}

function mainCf(folder: string, dovecot: Dovecot): string {
  return `compatibility_level = 3.6
queue_directory = ${folder}/queue
data_directory = ${folder}/data
maillog_file = ${folder}/mail.log
maillog_file_prefixes = ${folder}
myhostname = backend.${MAIL_DOMAIN}
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks =
mydestination =
alias_maps =
alias_database =
local_recipient_maps =
virtual_mailbox_domains = ${MAIL_DOMAIN}
virtual_transport = lmtp:inet:127.0.0.1:${dovecot.lmtp}
smtpd_authorized_xclient_hosts = 127.0.0.1
smtpd_authorized_xforward_hosts =
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = inet:127.0.0.1:${dovecot.sasl}
smtpd_sasl_authenticated_header = yes
smtpd_relay_restrictions = reject_unauth_destination
smtpd_recipient_restrictions =
smtpd_client_connection_count_limit = 0
default_process_limit = 300
message_size_limit = 67108864
mailbox_size_limit = 0
virtual_mailbox_limit = 0
biff = no
smtputf8_enable = yes
`;
}

function masterCf(smtp: number): string {
  return `127.0.0.1:${smtp} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
lmtp unix - - n - - lmtp
anvil unix - - n - 1 anvil
tlsmgr unix - - n 1000? 1 tlsmgr
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
`;
}
