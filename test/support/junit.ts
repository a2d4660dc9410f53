/**
 * Counts tests in the JUnit XML that Bun, Deno and Node write. A test counts once, where it stands in
 * the tree as a leaf: Deno lists the groups around it as test cases of their own.
 */

export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

export const NONE: Counts = { passed: 0, failed: 0, skipped: 0 };

export function add(a: Counts, b: Counts): Counts {
  return {
    passed: a.passed + b.passed,
    failed: a.failed + b.failed,
    skipped: a.skipped + b.skipped,
  };
}

export function countJunit(xml: string): Counts {
  const cases = xml.split(/<testcase\b/).slice(1).map((text) => ({
    name: /\bname="([^"]*)"/.exec(text)?.[1] ?? "",
    outcome: outcomeOf(text),
  }));
  const groups = groupsAmong(cases.map(({ name }) => name));
  let counts = NONE;
  for (const { name, outcome } of cases) {
    if (!groups.has(name)) counts = add(counts, { ...NONE, [outcome]: 1 });
  }
  return counts;
}

function outcomeOf(text: string): keyof Counts {
  if (/<(?:failure|error)\b/.test(text)) return "failed";
  return /<skipped\b/.test(text) ? "skipped" : "passed";
}

/** Every beginning of a name, up to one of its separators, is a group. */
function groupsAmong(names: readonly string[]): Set<string> {
  const separator = " &gt; ";
  const groups = new Set<string>();
  for (const name of names) {
    for (let at = name.indexOf(separator); at >= 0; at = name.indexOf(separator, at + 1)) {
      groups.add(name.slice(0, at));
    }
  }
  return groups;
}
