/**
 * The page that says per TLS directive and runtime what holds (`docs/tls-runtimes.md`), made from the
 * needs and from what the runtimes lack: what `check-config` would say, the page says.
 */

import { type LacksByRuntime, type Need, tlsTable, type TlsTableRow } from "./support.ts";

/**
 * @param directives in their order, those without a special need among them
 * @param lacks by the runtimes' names, as headings have them
 */
export function tlsPage(directives: readonly string[], lacks: LacksByRuntime): string {
  const names = Object.keys(lacks);
  const table = tlsTable(lacks);
  const lines = directives.flatMap((directive) => rowsOf(directive, names, table));
  return `# TLS directives under Bun, Deno and Node

<!-- Made from src/proxy/tls/support.ts and src/runtime/tls/lacks.ts by \`npm run build\`. -->

"yes": the directive does what it does in nginx. Everything else is said by \`check-config\` and at
the start, at the directive's place and in the words below, with the severity of the last column.
\`test/contract/abilities.ts\` holds each "yes" and each "no" against what the runtime's TLS library
really does; \`test/e2e/tls-start.test.ts\` holds what is said. What no table can say is in
[runtimes.md](runtimes.md).

| directive | use | ${names.join(" | ")} | if not |
|---|---|${"---|".repeat(names.length)}---|
${lines.join("\n")}

${JUDGED}: a value is an error when the library would do anything that it forbids, use a
cipher that it does not name, say. A value that forbids nothing of what the library does is a
warning, for it has no effect.
`;
}

const JUDGED = "error or warning";

function rowsOf(
  directive: string,
  names: readonly string[],
  table: readonly TlsTableRow[],
): readonly string[] {
  const rows = table.filter((row) => row.directive === directive);
  const special = rows.map(({ use, runtimes, without }) =>
    line(directive, use, names.map((name) => cell(runtimes[name])), severity(without))
  );
  if (rows.some(({ use }) => use === "" || use === "`on`")) return special;
  const rest = rows.length > 0 ? "otherwise" : "";
  return [line(directive, rest, names.map(() => "yes"), ""), ...special];
}

function line(directive: string, use: string, cells: readonly string[], without: string): string {
  return `| \`${directive}\` | ${[use, ...cells, without].join(" | ")} |`.replace(/ {2,}/g, " ");
}

function cell(support: true | string | undefined): string {
  return support === true || support === undefined ? "yes" : `no: ${support}`;
}

function severity(without: Need["without"]): string {
  return without === "judged" ? JUDGED : without;
}
