/** Numbers as tables and plots show them. */

/** Three significant digits; a dash for what was not measured. */
export function number(value: number): string {
  if (!Number.isFinite(value)) return "–";
  if (Math.abs(value) >= 1000) return String(Math.round(value));
  return String(Number(value.toPrecision(3)));
}

export function ratioWords(value: number): string {
  return Number.isFinite(value) ? value.toFixed(2) : "–";
}

/** 1024 as "1 KB", 1073741824 as "1 GB". */
export function bytes(value: number): string {
  const units = ["B", "KB", "MB", "GB"];
  const power = Math.min(3, Math.floor(Math.log2(Math.max(1, value)) / 10));
  return `${value / 1024 ** power} ${units[power]}`;
}

/** A Markdown table; all columns but the first are numbers. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(head), `|---|${"---:|".repeat(head.length - 1)}`, ...rows.map(line)].join("\n");
}
