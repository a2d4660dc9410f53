/** What holds for every front and back machine, whatever happens to it. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { plainMessage } from "../../../src/wire/sasl.ts";
import {
  backScripts,
  checkBackSecrets,
  checkBackSplits,
  checkBackTotal,
  checkSent,
} from "../../support/backs.ts";
import {
  checkAnyOrder,
  checkInjection,
  checkSecrets,
  checkSplits,
  clientTexts,
  type Happening,
  logins,
  play,
  PROTOCOLS,
  type Script,
  scripts,
  startTls,
} from "../../support/machines.ts";

const RUNS = { numRuns: 300 };
const cuts = fc.array(fc.double({ min: 0, max: 0.999, noNaN: true }), { maxLength: 6 });
/** Nobody can repeat what was not said yet. */
const GREETING = { imap: "* OK\r\n", pop3: "+OK\r\n", smtp: "220 hi\r\n" } as const;
const secrets = fc.stringMatching(/^[A-Za-z0-9]{9,20}$/);

for (const protocol of PROTOCOLS) {
  describe(`the ${protocol} front`, () => {
    test("never throws, answers in proportion, and does nothing after its end", () => {
      fc.assert(fc.property(scripts(protocol), checkAnyOrder), RUNS);
    });

    test("does the same in any split of its bytes, and holds no more than it may", () => {
      fc.assert(fc.property(scripts(protocol), cuts, checkSplits), RUNS);
    });

    test("tells no password to the log", () => {
      const waits = fc.constantFrom(null, 1000);
      fc.assert(
        fc.property(scripts(protocol), secrets, waits, (script, password, waitMs) => {
          const { texts, secrets } = logins(protocol, "bob", password);
          for (const text of texts) {
            const happenings: Happening[] = [
              { is: "bytes", text },
              { is: "deny", text: "no", waitMs },
              { is: "timeout" },
              ...script.happenings,
            ];
            checkSecrets({ ...script, happenings }, secrets);
          }
        }),
        { numRuns: 40 },
      );
    });

    test("forgets what came in clear behind STARTTLS (CVE-2011-0411)", () => {
      const after = fc.array(clientTexts(protocol), { minLength: 1, maxLength: 4 });
      fc.assert(
        fc.property(clientTexts(protocol), after, (injected, texts) => {
          const script: Script = {
            protocol,
            settings: 'starttls = "on"',
            happenings: [
              { is: "secured", certificate: "none" },
              ...texts.map((text): Happening => ({ is: "bytes", text })),
            ],
          };
          checkInjection(script, injected);
        }),
        RUNS,
      );
    });

    test("after STARTTLS knows nothing of what was said before, but how often it was wrong", () => {
      const said = {
        imap: "a CAPABILITY\r\nb ID NIL\r\nc NOOP\r\n",
        pop3: "CAPA\r\nNOOP\r\nAUTH\r\n",
        smtp: "HELO before\r\nMAIL FROM:<before@tls>\r\nNOOP\r\n",
      }[protocol];
      fc.assert(
        fc.property(clientTexts(protocol), (text) => {
          const after = (before: string): readonly string[] => {
            const happenings: Happening[] = [
              { is: "bytes", text: before + startTls(protocol) },
              { is: "secured", certificate: "none" },
              { is: "bytes", text },
              { is: "allow" },
            ];
            const settings = 'starttls = "on"\nsmtp_auth = ["plain", "login", "none"]';
            const { actions } = play({ protocol, settings, happenings }, (bytes) => [bytes]);
            return actions.slice(actions.findIndex((action) => action.includes("secure")));
          };
          assert.deepEqual(after(said), after(""));
        }),
        RUNS,
      );
    });
  });
}

for (const protocol of PROTOCOLS) {
  describe(`the ${protocol} back`, () => {
    test("never throws, sends within bounds, and does nothing after its end", () => {
      fc.assert(fc.property(backScripts(protocol), checkBackTotal), RUNS);
    });

    test("does the same in any split of the backend's bytes", () => {
      fc.assert(fc.property(backScripts(protocol), checkBackSplits), RUNS);
    });

    test("keeps login and password in their places", () => {
      fc.assert(fc.property(backScripts(protocol), checkSent), RUNS);
    });

    test("tells no password to the log, though the backend repeats it", () => {
      const told = fc.tuple(backScripts(protocol), secrets, fc.nat(8));
      fc.assert(
        fc.property(told, ([script, password, at]) => {
          const said = [
            `-ERR PASS ${password}\r\n`,
            `a1 BAD "${password}"\r\n`,
            `500 ${password}`.repeat(30),
          ];
          for (
            const reply of [...said, `500 AUTH PLAIN ${plainMessage(script.user, password)}\r\n`]
          ) {
            const replies = [GREETING[protocol], ...script.replies.slice(0, at), reply];
            checkBackSecrets({ ...script, password, replies });
          }
        }),
        RUNS,
      );
    });
  });
}
