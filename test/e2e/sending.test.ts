/**
 * Sending mail through the proxy into a real Postfix, which delivers to Dovecot, where the message is
 * then read back through the proxy: swaks and nodemailer, XCLIENT as Postfix saw it, SMTP AUTH at the
 * backend, mail without authentication.
 */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, test } from "node:test";
import process from "node:process";
import { createTransport } from "nodemailer";
import { allow, deny } from "../support/auth-server.ts";
import { run } from "../support/clients.ts";
import { ehlo, greeted, logIn, logOut } from "./dialogue.ts";
import { PASSWORDS, SKIP_SMTP, skipProgram, useSite } from "./site.ts";

const site = useSite({
  toml: `set_real_ip_from = "127.0.0.1"`,
  servers: {
    behindBalancer: `listen = "LISTEN proxy_protocol"\nprotocol = "smtp"`,
    ownAuth: `listen = "LISTEN"\nprotocol = "smtp"\nxclient = "off"\nproxy_smtp_auth = "on"`,
    open: `listen = "LISTEN"\nprotocol = "smtp"\nsmtp_auth = ["none", "plain"]`,
  },
});

let sent = 0;
/** Something to find a message by. */
function freshSubject(): string {
  return `message ${process.pid}.${++sent}`;
}

describe("sending mail", { skip: SKIP_SMTP }, () => {
  beforeEach(() => site.auth.reset());

  describe("swaks", { skip: skipProgram("swaks", "curl") }, () => {
    const ways: readonly [what: string, listener: "smtp" | "smtps", ...options: string[]][] = [
      ["AUTH PLAIN in the clear", "smtp", "--auth", "PLAIN"],
      ["AUTH LOGIN in the clear", "smtp", "--auth", "LOGIN"],
      ["AUTH CRAM-MD5 in the clear", "smtp", "--auth", "CRAM-MD5"],
      ["AUTH PLAIN with STARTTLS", "smtp", "--auth", "PLAIN", "--tls"],
      ["AUTH PLAIN over TLS", "smtps", "--auth", "PLAIN", "--tls-on-connect"],
    ];
    for (const [what, listener, ...options] of ways) {
      test(`${what}: into the mailbox, and out again by IMAP and POP3`, async () => {
        const subject = freshSubject();
        const { code, out } = await swaks(site.ports[listener], subject, options);
        assert.equal(code, 0, out);
        await readBack(subject);
      });
    }

    test("a wrong password ends as an authentication failure", async () => {
      const { code } = await run("swaks", [
        ...["--server", "127.0.0.1", "--port", String(site.ports.smtp), "--to", "alice@mail.test"],
        ...["--auth", "PLAIN", "--auth-user", "bob", "--auth-password", "nonsense"],
      ]);
      assert.equal(code, 28, "swaks: error while authenticating");
    });
  });

  test("mutt with STARTTLS", { skip: skipProgram("mutt") }, async () => {
    const subject = freshSubject();
    const settings = join(site.proxy.folder, "muttrc");
    writeFileSync(
      settings,
      [
        `set smtp_url = "smtp://bob@localhost:${site.ports.smtp}"`,
        `set smtp_pass = "${PASSWORDS.bob}"`,
        "set ssl_starttls = yes",
        "set ssl_force_tls = yes",
        `set certificate_file = "${site.caFile}"`,
        "set copy = no",
        'set from = "bob@mail.test"',
      ].join("\n"),
    );
    const { code, err } = await run(
      "mutt",
      ["-F", settings, "-n", "-s", subject, "--", "alice@mail.test"],
      "a line\n.\nand another\n",
    );
    assert.equal(code, 0, err);
    assert.match(await readBack(subject), /\r\na line\r\n\.\r\nand another\r\n/);
  });

  test("XCLIENT: Postfix logs the client's address and login, not the proxy's", async () => {
    const subject = freshSubject();
    const { code, out } = await swaks(site.more["behindBalancer"]!, subject, [
      ...["--auth", "PLAIN", "--proxy-version", "1", "--proxy-family", "TCP4"],
      ...["--proxy-source", "192.0.2.77", "--proxy-source-port", "40000"],
      ...["--proxy-dest", "192.0.2.1", "--proxy-dest-port", "25", "--helo", "laptop.test"],
    ]);
    assert.equal(code, 0, out);
    await site.postfix!.logged(/client=\S*\[192\.0\.2\.77\].*sasl_username=bob/);
    const message = await readBack(subject);
    assert.match(message, /^Received: from laptop\.test \(unknown \[192\.0\.2\.77\]\)/m);
    assert.match(message, /\(Authenticated sender: bob\)/);
    const { headers } = site.auth.questions.find(({ protocol }) => protocol === "smtp")!;
    assert.equal(headers["client-ip"], "192.0.2.77");
    assert.equal(headers["proxy-protocol-addr"], "192.0.2.77");
  });

  test("proxy_smtp_auth: the backend checks the password itself", async () => {
    const subject = freshSubject();
    const { code, out } = await swaks(site.more["ownAuth"]!, subject, ["--auth", "PLAIN"]);
    assert.equal(code, 0, out);
    await site.postfix!.logged(/client=\S*\[127\.0\.0\.1\], sasl_method=PLAIN, sasl_username=bob/);
    await readBack(subject);
  });

  test("proxy_smtp_auth: the backend's refusal is not passed on as success", async () => {
    site.auth.decide = (question) => allow(site.backend(question), { "Auth-Pass": "not-this-one" });
    using client = await greeted("smtp", site.more["ownAuth"]!);
    assert.match(await logIn(client, "smtp", "bob", PASSWORDS.bob), /^451 4\.3\.2 /);
  });

  describe("without authentication", () => {
    const plain = (from: string, to: string) => ["--from", from, "--to", to];

    test("the auth server decides by sender and recipient", async () => {
      site.auth.decide = (question) =>
        question.headers["auth-smtp-to"]?.includes("<alice@mail.test>")
          ? allow(site.backend(question))
          : deny("No such mailbox here");
      using client = await greeted("smtp", site.more["open"]!);
      assert.match(await client.ask("MAIL FROM:<guest@else.test> BODY=8BITMIME"), /^250 /);
      assert.match(await client.ask("RCPT TO:<alice@mail.test>"), /^250 2\.1\.5/);
      const { method, headers } = site.auth.last();
      assert.deepEqual([
        method,
        headers["auth-smtp-helo"],
        headers["auth-smtp-from"],
        headers["auth-smtp-to"],
      ], [
        "none",
        "client.test",
        "MAIL FROM:<guest@else.test> BODY=8BITMIME",
        "RCPT TO:<alice@mail.test>",
      ]);
      const subject = freshSubject();
      assert.match(await client.ask("DATA"), /^354 /);
      client.sendRaw(`Subject: ${subject}\r\n\r\nhello\r\n.\r\n`);
      assert.match(await client.line(), /^250 /);
      await logOut(client, "smtp");
      site.auth.reset();
      await readBack(subject);
    });

    test("a refused recipient hears the auth server's words", async () => {
      site.auth.decide = () => deny("No such mailbox here", { "Auth-Error-Code": "550 5.1.1" });
      const { code, out } = await run("swaks", [
        ...["--server", "127.0.0.1", "--port", String(site.more["open"])],
        ...plain("guest@else.test", "nobody@mail.test"),
      ]);
      assert.equal(code, 24, out);
      assert.match(out, /550 5\.1\.1 No such mailbox here/);
    });

    test("where it is not allowed MAIL is refused", async () => {
      using client = await greeted("smtp", site.ports.smtp);
      assert.match(await client.ask("MAIL FROM:<guest@else.test>"), /^530 5\.7\.1 /);
    });
  });

  for (const [listener, secure] of [["smtp", false], ["smtps", true]] as const) {
    test(`nodemailer over ${secure ? "TLS" : "STARTTLS"}: an attachment arrives whole`, async () => {
      const subject = freshSubject();
      const transport = createTransport({
        host: "127.0.0.1",
        port: site.ports[listener],
        secure,
        requireTLS: true,
        auth: { user: "carol", pass: PASSWORDS.carol },
        tls: { ca: site.ca, servername: "localhost" },
      });
      const attachment = Buffer.from(Array.from({ length: 5000 }, (_, at) => at * 7 % 256));
      try {
        await transport.sendMail({
          from: "carol@mail.test",
          to: "alice@mail.test",
          subject,
          text: "See attachment.\n.\n..\n",
          attachments: [{ filename: "bytes.bin", content: attachment }],
        });
      } finally {
        transport.close();
      }
      const message = await readBack(subject);
      assert.ok(message.replace(/\r\n/g, "").includes(attachment.toString("base64")));
    });
  }

  test("EHLO lists what is offered, and other things after STARTTLS", async () => {
    using client = await greeted("smtp", site.ports.smtp);
    assert.deepEqual(await ehlo(client), [
      "250-mail.test",
      "250-AUTH PLAIN LOGIN CRAM-MD5",
      "250 STARTTLS",
    ]);
    await client.ask("STARTTLS");
    await client.startTls(site.ca);
    assert.deepEqual(await ehlo(client), ["250-mail.test", "250 AUTH PLAIN LOGIN CRAM-MD5"]);
  });
});

// --- below --------------------------------------------------------------------------------------

function swaks(port: number, subject: string, options: readonly string[]) {
  return run("swaks", [
    ...["--server", "127.0.0.1", "--port", String(port), "--timeout", "20"],
    ...["--from", "bob@mail.test", "--to", "alice@mail.test", "--header", `Subject: ${subject}`],
    ...["--auth-user", "bob", "--auth-password", PASSWORDS.bob, ...options],
  ]);
}

/** Waits for delivery, then finds the message through the proxy by IMAP and by POP3. */
async function readBack(subject: string): Promise<string> {
  const number = await findByImap(subject);
  assert.ok(number !== null, `"${subject}" was not delivered:\n${site.postfix!.log()}`);
  const message = await fetchByPop3(number);
  assert.ok(message.includes(`Subject: ${subject}\r\n`));
  return message;
}

async function findByImap(subject: string): Promise<number | null> {
  using client = await greeted("imap", site.ports.imap);
  assert.match(await logIn(client, "imap", "alice", PASSWORDS.alice), /^a1 OK/);
  client.send("a2 SELECT INBOX");
  await client.lines(/^a2 /);
  for (let tries = 0; tries < 200; tries++) {
    client.send(`a3 SEARCH SUBJECT "${subject}"`);
    const lines = await client.lines(/^a3 /);
    const found = lines.find((line) => /^\* SEARCH \d/.test(line));
    if (found !== undefined) return Number(found.split(" ").at(-1));
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return null;
}

async function fetchByPop3(number: number): Promise<string> {
  using client = await greeted("pop3", site.ports.pop3);
  assert.match(await logIn(client, "pop3", "alice", PASSWORDS.alice), /^\+OK/);
  client.send(`RETR ${number}`);
  assert.match(await client.line(), /^\+OK/);
  const lines = await client.lines(/^\.$/);
  return lines.slice(0, -1).map((line) => `${line.replace(/^\./, "")}\r\n`).join("");
}
