/**
 * Failures of the past, replayed: each script in `corpus` once broke one of the properties that
 * test/unit/session/properties.test.ts asks of scripts made up. A counterexample that is found there
 * belongs here once it has been mended.
 */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import {
  type BackScript,
  checkBackSecrets,
  checkBackSplits,
  checkBackTotal,
  checkSent,
} from "../support/backs.ts";
import {
  checkAnyOrder,
  checkInjection,
  checkSecrets,
  checkSplits,
  type Script,
} from "../support/machines.ts";
import { ROOT } from "../support/source.ts";

type Titled<T> = T & { readonly title: string };

function corpus<T>(name: string): readonly Titled<T>[] {
  return JSON.parse(readFileSync(join(ROOT, "test/fuzz/corpus", name), "utf8"));
}

describe("fronts", () => {
  type Entry = Script & { readonly injected?: string; readonly secrets?: readonly string[] };
  for (const { title, ...entry } of corpus<Entry>("fronts.json")) {
    test(title, () => {
      checkAnyOrder(entry);
      checkSplits(entry, [0.3, 0.5, 0.9]);
      checkSecrets(entry, entry.secrets ?? []);
      if (entry.injected !== undefined) checkInjection(entry, entry.injected);
    });
  }
});

describe("backs", () => {
  for (const { title, ...entry } of corpus<BackScript>("backs.json")) {
    test(title, () => {
      checkBackTotal(entry);
      checkBackSplits(entry);
      checkBackSecrets(entry);
      checkSent(entry);
    });
  }
});
