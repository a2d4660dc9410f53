/**
 * Reads TypeScript sources far enough to judge them: comments and strings told from code, imports,
 * and where functions begin and end. A scanner, not a parser: it knows this project's formatted style.
 */

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";

/** The checkout, found from here also when this file runs transpiled below `build/`. */
export const ROOT = findRoot(dirname(fileURLToPath(import.meta.url)));

export interface Source {
  /** From the checkout's root, with `/`. */
  readonly path: string;
  readonly text: string;
  /** The text with comments and the insides of strings blanked, line for line. */
  readonly code: string;
}

export interface Import {
  readonly from: string;
  readonly line: number;
  /** Nothing of it is there at run time. */
  readonly typesOnly: boolean;
}

export interface FunctionSpan {
  readonly line: number;
  readonly lines: number;
}

/** Every `.ts` file below a folder of the checkout, or the one file named. */
export function sourcesBelow(path: string): Source[] {
  const full = join(ROOT, path);
  if (!existsSync(full)) return [];
  const files = path.endsWith(".ts") ? [full] : filesBelow(full);
  return files.filter((file) => file.endsWith(".ts")).sort().map((file) => {
    const text = readFileSync(file, "utf8");
    return { path: relative(ROOT, file).split(sep).join("/"), text, code: blank(text) };
  });
}

export function importsOf({ text, code }: Source): Import[] {
  const found: Import[] = [];
  // The statement's shape is read from the blanked code, its specifier from the text at the same place.
  const statement =
    /\b(?:(?:import|export)\b(?<what>[^;"'`]*?)\bfrom|import)\s*\(?\s*["'](?<at>)/gd;
  for (const match of code.matchAll(statement)) {
    const start = match.indices!.groups!["at"]![0];
    const what = match.groups!["what"]?.trim() ?? "";
    found.push({
      from: text.slice(start, code.slice(start).search(/["']/) + start),
      line: lineAt(code, match.index),
      typesOnly: /^type\b/.test(what) || everyNameIsAType(what),
    });
  }
  return found;
}

/** Functions, methods and arrows with a body in braces. */
export function functionsOf({ code }: Source): FunctionSpan[] {
  const found: FunctionSpan[] = [];
  const open: number[] = [];
  for (let at = 0; at < code.length; at++) {
    if (code[at] === "{") open.push(at);
    if (code[at] !== "}") continue;
    const start = open.pop();
    if (start === undefined || !opensFunction(code, start)) continue;
    const line = lineAt(code, start);
    found.push({ line, lines: lineAt(code, at) - line + 1 });
  }
  return found;
}

export function lineAt(text: string, index: number): number {
  let line = 1;
  for (let at = text.indexOf("\n"); at >= 0 && at < index; at = text.indexOf("\n", at + 1)) line++;
  return line;
}

// --- below --------------------------------------------------------------------------------------

function findRoot(folder: string): string {
  while (!existsSync(join(folder, "deno.json"))) {
    const parent = dirname(folder);
    if (parent === folder) throw new Error("No deno.json above the tests");
    folder = parent;
  }
  return folder;
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? filesBelow(path) : [path];
  });
}

function everyNameIsAType(what: string): boolean {
  const names = /^\{(.*)\}$/s.exec(what)?.[1]?.split(",").map((name) => name.trim());
  return names !== undefined && names.filter(Boolean).every((name) => name.startsWith("type "));
}

/** No return type and no type parameters are longer than this; it bounds the search. */
const RETURN_TYPE = 300;

/** Whether the brace at `at` begins a body: it follows `=>`, or a parameter list and its return type. */
function opensFunction(code: string, at: number): boolean {
  let before = code.slice(Math.max(0, at - 2000), at).trimEnd();
  if (before.endsWith("=>")) return true;
  // A return type may hold braces of its own: step over what they enclose.
  if (/[:|&<,]$/.test(before)) return false;
  for (let round = 0; before.endsWith("}") && round < 4; round++) {
    before = before.slice(0, matching(before, "{", "}")).trimEnd();
    if (!/[:|&<,]$/.test(before)) return false;
  }
  const tail = before.slice(-RETURN_TYPE);
  const list = /\)\s*(?::[^;{}()=]*(?:\([^()]*\)[^;{}()=]*)*)?$/.exec(tail);
  if (list === null) return false;
  const head = before.slice(0, before.length - tail.length + list.index + 1);
  const callee = head.slice(0, matching(head, "(", ")")).slice(-RETURN_TYPE);
  const name = /([\w$#\]]*)\s*(?:<[^()]*>)?\s*$/.exec(callee)?.[1];
  return !["if", "for", "while", "switch", "catch", "with", "await"].includes(name ?? "");
}

/** Where the bracket begins that the text's last character ends. */
function matching(text: string, opening: string, closing: string): number {
  let depth = 0;
  for (let at = text.length - 1; at >= 0; at--) {
    if (text[at] === closing) depth++;
    else if (text[at] === opening && --depth === 0) return at;
  }
  return 0;
}

/** Where a regular expression may stand: after an operator or an opening bracket, not after a value. */
const BEFORE_REGEX = /(?:^|[=(,:[!&|?{};+\-*%<>~^]|\b(?:return|typeof|case|in|of|delete|void))\s*$/;

/** Replaces comments and the insides of strings and regular expressions by spaces. */
export function blank(text: string): string {
  const out: string[] = [];
  /** Depth of braces at which each template under way goes on. */
  const templates: number[] = [];
  let depth = 0;
  let at = 0;
  const skip = (end: number, keep: number) => {
    const inside = text.slice(at + keep, end - keep).replace(/[^\n]/g, " ");
    out.push(text.slice(at, at + keep), inside, text.slice(Math.max(end - keep, at + keep), end));
    at = end;
  };
  while (at < text.length) {
    const char = text[at]!;
    const two = text.slice(at, at + 2);
    if (two === "//") skip(endOf(text, "\n", at), 0);
    else if (two === "/*") skip(endOf(text, "*/", at) + 2, 0);
    else if (char === '"' || char === "'") skip(closing(text, at + 1, char), 1);
    else if (char === "/" && BEFORE_REGEX.test(out.slice(-40).join("").slice(-40))) {
      skip(closing(text, at + 1, "/"), 1);
    } else if (char === "`" || (char === "}" && templates.at(-1) === depth)) {
      if (char === "}") templates.pop();
      const end = templateEnd(text, at + 1);
      if (text.startsWith("${", end - 2)) templates.push(depth);
      skip(end, 1);
    } else {
      if (char === "{") depth++;
      if (char === "}") depth--;
      out.push(char);
      at++;
    }
  }
  return out.join("");
}

function endOf(text: string, mark: string, from: number): number {
  const found = text.indexOf(mark, from);
  return found < 0 ? text.length : found;
}

/** Just behind the closing quote (or slash outside a class) that begins at `from`. */
function closing(text: string, from: number, quote: string): number {
  let inClass = false;
  for (let at = from; at < text.length; at++) {
    const char = text[at]!;
    if (char === "\\") at++;
    else if (char === "[" && quote === "/") inClass = true;
    else if (char === "]") inClass = false;
    else if ((char === quote && !inClass) || char === "\n") return at + 1;
  }
  return text.length;
}

/** Just behind the next backtick or `${` of a template's text. */
function templateEnd(text: string, from: number): number {
  for (let at = from; at < text.length; at++) {
    if (text[at] === "\\") at++;
    else if (text[at] === "`") return at + 1;
    else if (text.startsWith("${", at)) return at + 2;
  }
  return text.length;
}
