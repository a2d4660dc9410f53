/** The page of each rule and fault, made from its own words: `docs/rules/ID.md`, and an index of them. */

import type { Fault } from "./fault.ts";
import { FAULTS } from "./faults.ts";
import { RULES } from "./rules.ts";

/** All pages of the folder, by file name. */
export function rulePages(): ReadonlyMap<string, string> {
  return new Map([
    ["README.md", ruleIndex()],
    ...[...RULES, ...FAULTS].map((each) => [`${each.id}.md`, rulePage(each)] as const),
  ]);
}

const MADE = "<!-- Made from src/lint by `npm run build`: edit it there. -->";

function rulePage({ id, severity, title, why, mend, bad, good, syntax = "toml" }: Fault): string {
  const example = bad === good ? "" : `## Example

Found in:

\`\`\`${syntax}
${shortened(bad)}
\`\`\`

Not in:

\`\`\`${syntax}
${good}
\`\`\`

`;
  return `# ${id}

${MADE}

**${severity}**: ${title}.

## Why

${why}

## How to mend it

${mend}

${example}To leave findings of this kind out: \`doorpost check-config --skip-rule ${id}\`${
    severity === "error" ? ";\nwhat cannot be read is a fault all the same" : ""
  }.
`;
}

/** The example of a word that is too long. */
function shortened(text: string): string {
  return text.replace(/(\w{4})\1{9,}/g, "$1$1$1...");
}

function ruleIndex(): string {
  return `# Rules

${MADE}

The ids of what \`doorpost check-config\` finds. They are stable.

## Lint rules

Valid, but unwise.

${table(RULES)}

## Faults

What keeps a configuration from being used, or is not taken as it was written.

${table(FAULTS)}
`;
}

function table(rows: readonly Pick<Fault, "id" | "severity" | "title">[]): string {
  const lines = rows.map(({ id, severity, title }) =>
    `| [${id}](${id}.md) | ${severity} | ${title} |`
  );
  return ["| rule | severity | what it finds |", "|---|---|---|", ...lines].join("\n");
}
