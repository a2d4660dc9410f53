/** Folders of the demo: listing, counting, making and unmaking them. RFC 3501 section 6.3. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { DEMO_FOLDER_NAME, DEMO_FOLDERS } from "../../../../src/core/limits.ts";
import { matches } from "../../../../src/demo/imap/folders.ts";
import { filled, loggedIn } from "./start.ts";

describe("LIST", () => {
  const cases: [title: string, script: string][] = [
    [
      "shows all folders with their attributes",
      `C: b LIST "" "*"
       S: * LIST (\\HasNoChildren) "/" INBOX
       S: * LIST (\\HasNoChildren \\Trash) "/" Trash
       S: b OK LIST completed`,
    ],
    [
      "shows one",
      `C: b LIST "" inbox\nS: * LIST (\\HasNoChildren) "/" INBOX\nS: b OK LIST completed`,
    ],
    [
      "joins reference and pattern",
      `C: b LIST Tr %sh\nS: * LIST (\\HasNoChildren \\Trash) "/" Trash\nS: b OK LIST completed`,
    ],
    [
      "tells the delimiter for the empty pattern",
      `C: b LIST "" ""\nS: * LIST (\\Noselect) "/" ""\nS: b OK LIST completed`,
    ],
    ["may show none", `C: b LIST "" x*\nS: b OK LIST completed`],
    ["needs two arguments", `C: b LIST ""\nS: b BAD Expected a space`],
    [
      "quotes names that are no atoms, or sends them as literals",
      `C: b CREATE "two words"
       S: b OK CREATE completed
       C: c LIST "" two*
       S: * LIST (\\HasNoChildren) "/" "two words"
       S: c OK LIST completed
       C: d CREATE {2+}
       C: \xc3\xa4
       S: d OK CREATE completed
       C: e LIST "" "\xc3*"
       S: * LIST (\\HasNoChildren) "/" {2}
       S: \xc3\xa4
       S: e OK LIST completed`,
    ],
  ];
  for (const [title, script] of cases) test(title, () => loggedIn().play(script));

  test("LSUB shows what is subscribed", () => {
    loggedIn().play(`
      C: b UNSUBSCRIBE Trash
      S: b OK UNSUBSCRIBE completed
      C: c LSUB "" *
      S: * LSUB (\\HasNoChildren) "/" INBOX
      S: c OK LSUB completed
      C: d SUBSCRIBE Trash
      S: d OK SUBSCRIBE completed
      C: e LSUB "" T*
      S: * LSUB (\\HasNoChildren \\Trash) "/" Trash
      S: e OK LSUB completed`);
  });

  test("NAMESPACE has one", () => {
    loggedIn().play(`
      C: b NAMESPACE
      S: * NAMESPACE (("" "/")) NIL NIL
      S: b OK NAMESPACE completed`);
  });
});

describe("patterns", () => {
  const cases: [pattern: string, name: string, boolean][] = [
    ["*", "a/b", true],
    ["%", "a", true],
    ["%", "a/b", false],
    ["%/%", "a/b", true],
    ["a*", "a", true],
    ["a%", "a/b", false],
    ["*b", "a/b", true],
    ["a*c", "ab", false],
    ["inbox", "INBOX", true],
    ["In%", "INBOX", true],
    ["trash", "Trash", false],
    ["**%*", "", true],
    ["a.c", "abc", false],
  ];
  for (const [pattern, name, matching] of cases) {
    test(`${pattern} ${matching ? "matches" : "does not match"} ${name || "(empty)"}`, () => {
      assert.equal(matches(name, pattern), matching);
    });
  }

  test("do not cost more than their length times the name's", () => {
    const began = performance.now();
    assert.equal(
      matches("a".repeat(DEMO_FOLDER_NAME), "*a".repeat(DEMO_FOLDER_NAME - 1) + "b"),
      false,
    );
    assert.ok(performance.now() - began < 2000);
  });
});

describe("STATUS", () => {
  test("counts", () => {
    loggedIn().play(`
      C: b STATUS INBOX (MESSAGES RECENT UIDNEXT UIDVALIDITY UNSEEN)
      S: * STATUS INBOX (MESSAGES 3 RECENT 3 UIDNEXT 4 UIDVALIDITY 1000 UNSEEN 2)
      S: b OK STATUS completed
      C: c STATUS Nowhere (MESSAGES)
      S: c NO [NONEXISTENT] No such folder
      C: d STATUS INBOX (SHOES)
      S: d BAD Unknown status item`);
  });
});

describe("making folders", () => {
  const cases: [title: string, script: string][] = [
    [
      "makes those above, too",
      `C: b CREATE a/b/
       S: b OK CREATE completed
       C: c LIST "" a*
       S: * LIST (\\HasChildren) "/" a
       S: * LIST (\\HasNoChildren) "/" a/b
       S: c OK LIST completed`,
    ],
    ["twice is refused", "C: b CREATE Trash\nS: b NO [ALREADYEXISTS] The folder exists"],
    ["INBOX is refused", "C: b CREATE iNBOX\nS: b NO [ALREADYEXISTS] The folder exists"],
    ["without a name is refused", `C: b CREATE ""\nS: b NO [CANNOT] Not a name for a folder`],
    [
      "with an empty level is refused",
      "C: b CREATE a//b\nS: b NO [CANNOT] Not a name for a folder",
    ],
    ["with a wildcard is refused", `C: b CREATE "a*"\nS: b NO [CANNOT] Not a name for a folder`],
    [
      "with a line end is refused",
      "C: b CREATE {3+}\nC- a\r\nC: \nS: b NO [CANNOT] Not a name for a folder",
    ],
    [
      "with a long name is refused",
      `C: b CREATE ${"x".repeat(DEMO_FOLDER_NAME + 1)}\nS: b NO [CANNOT] Not a name for a folder`,
    ],
    [
      "that are there ends",
      "C: b DELETE Trash\nS: b OK DELETE completed\nC: c SELECT Trash\nS: c NO [...]",
    ],
    ["that are not there does not end", "C: b DELETE x\nS: b NO [NONEXISTENT] No such folder"],
    ["INBOX stays", "C: b DELETE inbox\nS: b NO [CANNOT] INBOX stays"],
    [
      "moves with all below",
      `C: b CREATE a/b
       S: b OK CREATE completed
       C: c RENAME a z
       S: c OK RENAME completed
       C: d LIST "" "%/%"
       S: * LIST (\\HasNoChildren) "/" z/b
       S: d OK LIST completed`,
    ],
    ["moves to free names only", "C: b RENAME Trash INBOX\nS: b NO [ALREADYEXISTS] [...]"],
    ["moves into itself never", "C: b RENAME Trash Trash/x\nS: b NO [CANNOT] [...]"],
    ["moves INBOX never", "C: b RENAME INBOX x\nS: b NO [CANNOT] INBOX stays"],
  ];
  for (const [title, script] of cases) test(title, () => loggedIn().play(script));

  test("ends at the cap", () => {
    const talk = loggedIn();
    const said = Array.from({ length: DEMO_FOLDERS }, (_, i) => talk.say(`b CREATE f${i}\r\n`));
    assert.equal(said.at(-1), "b NO [OVERQUOTA] Too many folders\r\n");
  });

  test("anew gives another UIDVALIDITY", () => {
    const mailbox = filled();
    const before = mailbox.find("Trash")!.uidValidity;
    loggedIn(mailbox).say("b DELETE Trash\r\nc CREATE Trash\r\n");
    assert.notEqual(mailbox.find("Trash")!.uidValidity, before);
  });
});
