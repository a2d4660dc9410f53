/**
 * docs/differences.md and the transcripts hold each other: every difference that a transcript is tagged
 * with has its row, which names the transcript; every test that a row names exists and shows it.
 */

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { ROOT } from "../../support/source.ts";
import { loadTranscripts, tagged, type Transcript } from "../../support/transcript.ts";

interface Row {
  readonly id: string;
  /** The last cell: which tests show it. */
  readonly proof: string;
}

const ROWS: readonly Row[] = readFileSync(join(ROOT, "docs/differences.md"), "utf8").split("\n")
  .filter((line) => /^\| `[\w-]+` \|/.test(line)).map((line) => {
    const cells = line.slice(1, -1).split(" | ").map((cell) => cell.trim());
    return { id: cells[0].replaceAll("`", ""), proof: cells.at(-1)! };
  });

/** By file, as a row names them: `imap`. */
function shown(id: string): Map<string, Transcript[]> {
  const found = new Map<string, Transcript[]>();
  for (const transcript of TRANSCRIPTS) {
    const ids = [...tagged(transcript, "differs"), ...tagged(transcript, "nginx-1.22")];
    if (!ids.includes(id)) continue;
    const file = transcript.file.replace(".txt", "");
    found.set(file, [...(found.get(file) ?? []), transcript]);
  }
  return found;
}

const TRANSCRIPTS: readonly Transcript[] = loadTranscripts();
const TAGS: ReadonlySet<string> = new Set(
  TRANSCRIPTS.flatMap((each) => [...tagged(each, "differs"), ...tagged(each, "nginx-1.22")]),
);

describe("differences from nginx", () => {
  test("there are rows, each of its own name", () => {
    assert.ok(ROWS.length > 20);
    assert.equal(new Set(ROWS.map(({ id }) => id)).size, ROWS.length);
  });

  for (const id of TAGS) {
    test(`${id}: the row names the transcripts that show it`, () => {
      const proof = ROWS.find((row) => row.id === id)?.proof;
      assert.ok(proof !== undefined, `docs/differences.md has no row ${id}`);
      for (const [file, transcripts] of shown(id)) {
        assert.ok(proof.includes(`\`${file}\``), `the row does not name \`${file}\``);
        for (const { title } of transcripts) {
          assert.ok(proof.includes(title), `the row does not name "${title}"`);
        }
      }
    });
  }

  for (const { id, proof } of ROWS) {
    test(`${id}: the tests of the row exist`, () => {
      let rest = proof;
      for (const [file, transcripts] of shown(id)) {
        rest = rest.replace(`\`${file}\`:`, "");
        for (const { title } of transcripts) rest = rest.replace(title, "");
      }
      for (const [whole, path, title] of rest.matchAll(/`([^`]*\/[^`]*)`(?:: ([^;]*))?/g)) {
        assert.ok(existsSync(join(ROOT, "test", path)), `there is no test/${path}`);
        const text = title === undefined ? "" : readFileSync(join(ROOT, "test", path), "utf8");
        assert.ok(text.includes(title ?? ""), `test/${path} has no "${title}"`);
        rest = rest.replace(whole, "");
      }
      assert.match(rest, /^(?:none|[;\s]*)$/, `no transcript is tagged ${id} for: ${rest}`);
    });
  }
});
