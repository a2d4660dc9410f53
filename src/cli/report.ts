/**
 * Findings for people:
 *
 *     doorpost.toml:12:1: error[unknown-directive]: Unknown directive "lissten"
 *      12 | lissten = ["143"]
 *         | ^^^^^^^
 *         = did you mean "listen"?
 *
 * Colours are those that can be read on a dark ground and on a light one: blue cannot.
 *
 * The head is one line in the form that editors and `grep` know. A source line that is wider than the
 * terminal is shown as a window around the caret; secrets in it are masked. Pure: it gives text.
 */

import type { Colors } from "picocolors/types";
import type { Diagnostic, Position, Severity, SourceLines } from "../core/diagnostic.ts";
import { type Cell, cellsOf, visible } from "./cells.ts";
import { wrap } from "./help.ts";
import { maskedLine, maskKeys } from "./mask.ts";

export interface ReportStyle {
  readonly colors: Colors;
  /** Of the terminal. */
  readonly columns: number;
}

const CUT = "...";

/** One text of all findings, in the given order, each ended by a line end. */
export function renderReport(
  diagnostics: readonly Diagnostic[],
  source: SourceLines,
  style: ReportStyle,
): string {
  return diagnostics.map((each) => renderDiagnostic(each, source, style)).join("");
}

function renderDiagnostic(
  diagnostic: Diagnostic,
  source: SourceLines,
  style: ReportStyle,
): string {
  const { at, severity, rule, hint, related } = diagnostic;
  const { colors } = style;
  const label = paint(severity, colors)(`${severity}[${rule}]`);
  const gutter = " ".repeat(Math.max(digits(at.line), related ? digits(related.at.line) : 0) + 1);
  const lines = [
    `${colors.bold(place(at))} ${label}: ${visible(maskKeys(diagnostic.message))}`,
    ...snippet(at, source, gutter, style, paint(severity, colors)),
    ...(hint ? hintLines(visible(hint), gutter, style) : []),
    ...(related
      ? [
        `${colors.bold(place(related.at))} ${visible(related.message)}`,
        ...snippet(related.at, source, gutter, style, colors.cyan),
      ]
      : []),
  ];
  return lines.map((line) => `${line}\n`).join("");
}

function paint(severity: Severity, colors: Colors): (text: string) => string {
  if (severity === "error") return colors.red;
  return severity === "warning" ? colors.yellow : colors.cyan;
}

/** Only the head has to be one line, for `grep` and editors. */
function hintLines(hint: string, gutter: string, { colors, columns }: ReportStyle): string[] {
  const [first, ...rest] = wrap(hint, columns - gutter.length - 3);
  const indent = `${gutter}   `;
  return [`${gutter} ${colors.dim("=")} ${first}`, ...rest.map((line) => indent + line)];
}

function digits(line: number): number {
  return String(line).length;
}

function place({ file, line, column }: Position): string {
  const parts = [visible(file), line, column];
  const known = line === 0 ? 1 : column === 0 ? 2 : 3;
  return `${parts.slice(0, known).join(":")}:`;
}

function snippet(
  at: Position,
  source: SourceLines,
  gutter: string,
  { colors, columns }: ReportStyle,
  caretColor: (text: string) => string,
): string[] {
  const line = at.line === 0 ? undefined : maskedLine(source, at.file, at.line);
  if (line === undefined) return [];
  const room = Math.max(20, columns - gutter.length - 3);
  const cells = cellsOf(line.replace(/\r$/, ""));
  const { text, caret } = frame(cells, at.column, at.length, room);
  const bar = colors.dim("|");
  const number = colors.dim(String(at.line).padStart(gutter.length));
  const shown = [`${number} ${bar} ${text}`.trimEnd()];
  if (at.column > 0) {
    const span = caretColor("^".repeat(caret.width));
    shown.push(`${gutter} ${bar} ${" ".repeat(caret.at)}${span}`);
  }
  return shown;
}

interface Framed {
  readonly text: string;
  readonly caret: { readonly at: number; readonly width: number };
}

/** The part of a line that fits into `room` cells, and where the caret stands in it. */
function frame(cells: readonly Cell[], column: number, length: number, room: number): Framed {
  const begin = Math.max(column, 1) - 1;
  const from = indexOf(cells, begin);
  const to = indexOf(cells, begin + Math.max(length, 1));
  const start = width(cells.slice(0, from));
  const span = Math.max(1, width(cells.slice(from, to)));
  if (width(cells) <= room) return { text: join(cells), caret: { at: start, width: span } };
  return window(cells, from, span, room);
}

/** Index of the first cell at or behind an offset in UTF-16 units. */
function indexOf(cells: readonly Cell[], offset: number): number {
  let index = 0;
  for (let units = 0; index < cells.length && units < offset; index++) units += cells[index].units;
  return index;
}

/**
 * A third of the room stands before the caret, so that what follows can be read too; more of it where
 * the line ends sooner.
 */
function window(cells: readonly Cell[], from: number, span: number, room: number): Framed {
  const lead = Math.max(room / 3, room - CUT.length - width(cells.slice(from)) - 1);
  let first = from;
  let before = 0;
  while (first > 0 && before + cells[first - 1].width <= lead) before += cells[--first].width;
  const left = first === 0 ? "" : CUT;
  const fits = left.length + width(cells.slice(first)) <= room;
  const end = fits ? room : room - CUT.length;
  let last = first;
  let used = left.length;
  while (last < cells.length && used + cells[last].width <= end) used += cells[last++].width;
  const right = last === cells.length ? "" : CUT;
  const at = left.length + before;
  const text = left + join(cells.slice(first, last)) + right;
  return { text, caret: { at, width: Math.min(span, Math.max(1, used - at)) } };
}

function width(cells: readonly Cell[]): number {
  return cells.reduce((sum, cell) => sum + cell.width, 0);
}

function join(cells: readonly Cell[]): string {
  return cells.map((cell) => cell.text).join("");
}

/** `2 errors, 1 warning`; empty when there is nothing to count. */
export function summary(diagnostics: readonly Diagnostic[]): string {
  const counted = (["error", "warning"] as const).map((severity) => {
    const count = diagnostics.filter((each) => each.severity === severity).length;
    return count === 0 ? "" : `${count} ${severity}${count === 1 ? "" : "s"}`;
  });
  return counted.filter((text) => text !== "").join(", ");
}
