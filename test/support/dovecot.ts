/**
 * A real Dovecot 2.3 with a configuration of its own in a temporary folder: IMAP, POP3, LMTP and a
 * SASL socket for Postfix, all on free loopback ports, Maildir below the folder. Works as root
 * and, by giving up separation between its own processes, as anybody.
 */

import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { userInfo } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { LineClient } from "./clients.ts";
import { findProgram, freePort, runProgram, startChild, temporaryFolder } from "./process.ts";

export interface Dovecot {
  readonly imap: number;
  /** IMAP that expects a PROXY header, v1 or v2. */
  readonly imapBehindProxy: number;
  readonly pop3: number;
  readonly lmtp: number;
  readonly sasl: number;
  readonly folder: string;
  log(): string;
  /** Puts a message into a user's INBOX, by LMTP as an MTA would. Lines end in CRLF. */
  deliver(user: string, message: string): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Users and passwords as they are at the backend.
 * @param more lines of its configuration that come last, and so win.
 */
export async function startDovecot(
  users: Readonly<Record<string, string>>,
  more = "",
): Promise<Dovecot> {
  const folder = temporaryFolder("dovecot");
  const [imap, imapBehindProxy, pop3, lmtp, sasl] = [
    await freePort(),
    await freePort(),
    await freePort(),
    await freePort(),
    await freePort(),
  ];
  mkdirSync(join(folder, "mail"), { mode: 0o777 });
  runProgram("chmod", ["0777", join(folder, "mail")]);
  const passwords = Object.entries(users).map(([user, password]) => `${user}:{PLAIN}${password}\n`);
  writeFileSync(join(folder, "users"), passwords.join(""));
  const config = join(folder, "dovecot.conf");
  writeFileSync(config, configuration(folder, { imap, imapBehindProxy, pop3, lmtp, sasl }) + more);

  const child = startChild(findProgram("dovecot") ?? "dovecot", ["-F", "-c", config]);
  const log = () => readFileSync(join(folder, "dovecot.log"), "utf8") + child.output();
  const dovecot: Dovecot = {
    imap,
    imapBehindProxy,
    pop3,
    lmtp,
    sasl,
    folder,
    log,
    deliver: (user, message) => deliver(lmtp, user, message),
    async [Symbol.asyncDispose]() {
      await child.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  try {
    for (const port of [imap, pop3, lmtp]) await greets(port);
    return dovecot;
  } catch (error) {
    const why = `Dovecot did not start: ${error}\n${log()}`;
    await dovecot[Symbol.asyncDispose]();
    throw new Error(why);
  }
}

/** Waits until a server accepts on the port and says its first line. */
export async function greets(port: number, ms = 15_000): Promise<string> {
  const end = Date.now() + ms;
  for (;;) {
    try {
      return await firstLine(port);
    } catch (error) {
      if (Date.now() > end) throw error;
      await sleep(30);
    }
  }
}

async function deliver(port: number, user: string, message: string): Promise<void> {
  using client = await LineClient.connect(port);
  const expect = async (code: string) => {
    const line = (await client.lines(/^\d{3} /)).at(-1)!;
    if (!line.startsWith(code)) throw new Error(`LMTP said ${line}`);
  };
  await expect("220");
  for (const line of ["LHLO test", "MAIL FROM:<sender@mail.test>", `RCPT TO:<${user}@mail.test>`]) {
    client.send(line);
    await expect("250");
  }
  client.send("DATA");
  await expect("354");
  client.sendRaw(message.replace(/^\./gm, "..").replace(/(?:\r\n)?$/, "\r\n.\r\n"));
  await expect("250");
}

function firstLine(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1");
    socket.setTimeout(5_000, () => socket.destroy(new Error(`Port ${port} accepts but is silent`)));
    socket.once("data", (bytes) => {
      socket.destroy();
      resolve(bytes.toString("latin1"));
    });
    socket.once("error", reject);
    socket.once("close", () => reject(new Error(`Port ${port} closed without a greeting`)));
  });
}

type Ports = Pick<Dovecot, "imap" | "imapBehindProxy" | "pop3" | "lmtp" | "sasl">;

function configuration(folder: string, ports: Ports): string {
  const { username, uid } = userInfo();
  const root = uid === 0;
  // Root may not own mail and must not run the login processes; anybody else can only be himself.
  const identity = root
    ? "mail_uid = mail\nmail_gid = mail\nfirst_valid_uid = 1\nfirst_valid_gid = 1"
    : `default_internal_user = ${username}
default_internal_group = ${runProgram("id", ["-gn"]).trim()}
default_login_user = ${username}
mail_uid = ${username}
first_valid_uid = 1
first_valid_gid = 1`;
  const chroot = root ? "" : "chroot =";
  return `base_dir = ${folder}/run
state_dir = ${folder}/state
log_path = ${folder}/dovecot.log
protocols = imap pop3 lmtp
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
auth_mechanisms = plain login
auth_failure_delay = 0
haproxy_trusted_networks = 127.0.0.1
auth_verbose = yes
login_greeting = Dovecot ready.
mail_location = maildir:${folder}/mail/%n
mail_max_userip_connections = 2000
default_process_limit = 500
default_client_limit = 2500
# The sandbox's limits are not ours to raise.
default_vsz_limit = 0
${identity}
passdb {
  driver = passwd-file
  args = scheme=PLAIN username_format=%n ${folder}/users
}
userdb {
  driver = static
  args = home=${folder}/mail/%n allow_all_users=yes
}
service imap-login {
  ${chroot}
  service_count = 0
  inet_listener imap {
    port = ${ports.imap}
  }
  inet_listener imap_behind_proxy {
    port = ${ports.imapBehindProxy}
    haproxy = yes
  }
  inet_listener imaps {
    port = 0
  }
}
service pop3-login {
  ${chroot}
  service_count = 0
  inet_listener pop3 {
    port = ${ports.pop3}
  }
  inet_listener pop3s {
    port = 0
  }
}
service lmtp {
  inet_listener lmtp {
    port = ${ports.lmtp}
  }
}
service auth {
  inet_listener {
    port = ${ports.sasl}
  }
}
service anvil {
  ${chroot}
  # No growing delays after wrong passwords: every test comes from the same address.
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
service stats {
  ${chroot}
}
`;
}
