/** The page of each rule, made from the rule's own words: `docs/rules/ID.md`, and an index of them. */

import type { Rule } from "./rule.ts";

export function rulePage({ id, severity, title, why, mend, bad, good }: Rule): string {
  return `# ${id}

<!-- Made from src/lint/rules/${id}.ts by \`npm run build\`: edit it there. -->

**${severity}**: ${title}.

## Why

${why}

## How to mend it

${mend}

## Example

Found in:

\`\`\`toml
${bad}
\`\`\`

Not in:

\`\`\`toml
${good}
\`\`\`

To leave the rule out: \`doorpost check-config --skip-rule ${id}\`.
`;
}

export function ruleIndex(rules: readonly Rule[]): string {
  const rows = rules.map(({ id, severity, title }) =>
    `| [${id}](${id}.md) | ${severity} | ${title} |`
  );
  return `# Lint rules

<!-- Made from src/lint/rules by \`npm run build\`: edit it there. -->

What \`doorpost check-config\` finds in configurations that are valid, but unwise. Ids are stable.

| rule | severity | what it finds |
|---|---|---|
${rows.join("\n")}
`;
}
