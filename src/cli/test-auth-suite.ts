/**
 * `test-auth --suite`: the built-in cases and those of a file, as a table, JSON or JUnit. A file of cases:
 *
 *     [[case]]
 *     name = "john from the office"   # may be left out
 *     user = "john"
 *     password = "..."
 *     expect = "allowed"              # or denied, or answered
 *     server = "10.0.1.5:143"         # may be left out, as may protocol, method, client_ip, attempt
 *
 * With `method = "none"` there are `from`, `to` and `helo` instead of user and password.
 */

import { parse, TomlError } from "smol-toml";
import type { ServerSettings } from "../config/settings.ts";
import { toByteString } from "../core/bytes.ts";
import { nearest } from "../core/diagnostic.ts";
import { FileError } from "../core/errors.ts";
import { SUITE_CASES } from "../core/limits.ts";
import { parseAddress } from "../net/address.ts";
import { builtInCases, type Case, caseOf, type Subject } from "../probe/auth-cases.ts";
import type { AuthPlace } from "../probe/auth-exchange.ts";
import type { Asked } from "../probe/auth-question.ts";
import { readServer } from "../probe/auth-expect.ts";
import { envelopeOf } from "../probe/auth-question.ts";
import { type CaseResult, runSuite, type SuiteResult } from "../probe/auth-suite.ts";
import type { AuthMethod } from "../session/machine.ts";
import { visible, widthOf } from "./cells.ts";
import type { Context } from "./command.ts";
import { FAILED, OK, UNREACHABLE } from "./exit.ts";
import { xml } from "./formats/format.ts";
import type { Terminal } from "./terminal.ts";
import { suiteJson } from "./test-auth-json.ts";
import { progressOn } from "./test-auth-progress.ts";
import { Misuse } from "./misuse.ts";
import { digest, offered, type Values } from "./test-auth-question.ts";
import { ms, unreachableLines, urlOf, warningLines } from "./test-auth-show.ts";

export async function runSuiteCommand(
  values: Values,
  operands: readonly string[],
  server: ServerSettings,
  asked: Asked,
  place: AuthPlace,
  context: Context,
): Promise<number> {
  const { runtime, terminal } = context;
  const subject: Subject = {
    protocol: server.protocol,
    right: values.user === undefined
      ? null
      : { user: asked.user, password: asked.password.reveal() },
    methods: methodsOf(values, server),
  };
  const more = operands.length === 0
    ? []
    : readCases(await textOf(operands[0], context), operands[0], subject);
  const cases = [...builtInCases(subject), ...more];
  const progress = progressOn(runtime.host.isTerminal("stderr"), cases.length, terminal.err);
  const suite = await runSuite(cases, { place, server, asked, digest, progress });
  const status = statusOf(suite.results);
  if (status === UNREACHABLE && values.format !== "json" && values.format !== "junit") {
    const why = suite.results.find(({ decision }) => decision !== null)!.words;
    terminal.out(unreachableLines(why, terminal).map((line) => `${line}\n`).join(""));
    return status;
  }
  terminal.out(render(values, suite, server, status, terminal));
  return status;
}

function render(
  { format }: Values,
  { results, warnings }: SuiteResult,
  server: ServerSettings,
  status: number,
  terminal: Terminal,
): string {
  if (format === "json") return suiteJson(results, warnings, server, status);
  if (format === "junit") return suiteJunit(results, server);
  return suiteTable(results, terminal) +
    warnings.flatMap((each) => warningLines(each, terminal)).map((line) => `${line}\n`).join("") +
    summary(results, terminal);
}

const METHODS: readonly AuthMethod[] = [
  "plain",
  "apop",
  "cram-md5",
  "external",
  "xoauth2",
  "oauthbearer",
  "none",
];

/** With a configuration what it allows; with a bare URL every method, or every one of --protocol. */
function methodsOf(values: Values, server: ServerSettings): readonly AuthMethod[] {
  const { protocol } = server;
  if (values.url !== undefined) {
    const any = values.protocol === undefined;
    return METHODS.filter((method) =>
      method === "apop"
        ? any || protocol === "pop3"
        : method === "none"
        ? any || protocol === "smtp"
        : true
    );
  }
  return METHODS.filter((method) => method === "plain" || offered(server).includes(method));
}

function statusOf(results: readonly CaseResult[]): number {
  if (results.every(({ decision }) => decision === "unreachable" || decision === null)) {
    return UNREACHABLE;
  }
  return results.some(({ is }) => is !== "pass") ? FAILED : OK;
}

// --- cases of a file -----------------------------------------------------------------------------

async function textOf(path: string, { runtime }: Context): Promise<string> {
  if (path === "-") return new TextDecoder().decode(await runtime.host.readIn());
  try {
    return runtime.files.readText(path);
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    throw new Misuse(`Cannot read the cases: ${error.message}`);
  }
}

const KEYS = [
  "name",
  "user",
  "password",
  "expect",
  "server",
  "protocol",
  "method",
  "client_ip",
  "attempt",
  "from",
  "to",
  "helo",
];
const CHOICES: Readonly<Record<string, readonly string[]>> = {
  expect: ["allowed", "denied", "answered"],
  protocol: ["imap", "pop3", "smtp"],
  method: METHODS,
};

const LOGIN = ["user", "password"];
const ENVELOPE = ["from", "to"];

/** Throws a `Misuse` that names the case; never quotes a password. */
function readCases(text: string, path: string, subject: Subject): readonly Case[] {
  const document = parsed(text, path);
  const unknown = Object.keys(document).find((key) => key !== "case");
  if (unknown !== undefined) {
    throw new Misuse(`${path}: unknown key "${unknown}"`, "cases are [[case]]");
  }
  const list = document.case;
  if (!Array.isArray(list)) throw new Misuse(`${path} has no [[case]]`);
  if (list.length > SUITE_CASES) throw new Misuse(`${path} has more than ${SUITE_CASES} cases`);
  return list.map((row, i) => readCase(row, `${path}: case ${i + 1}`, subject));
}

/** A parser's message quotes lines, and a line may hold a password: only the place is told. */
function parsed(text: string, path: string): Record<string, unknown> {
  try {
    return parse(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    throw new Misuse(`${path}:${error.line}:${error.column}: not TOML`);
  }
}

function readCase(row: unknown, where: string, subject: Subject): Case {
  if (typeof row !== "object" || row === null) throw new Misuse(`${where} is no table`);
  const given = row as Record<string, unknown>;
  for (const key of Object.keys(given)) checkKey(key, given[key], where);
  const none = given.method === "none";
  for (const key of [...(none ? ENVELOPE : LOGIN), "expect"]) {
    if (given[key] === undefined) throw new Misuse(`${where}: ${key} is missing`);
  }
  const strange = (none ? LOGIN : [...ENVELOPE, "helo"]).find((key) => given[key] !== undefined);
  if (strange !== undefined) {
    throw new Misuse(`${where}: ${strange} does not go with method ${given.method ?? "plain"}`);
  }
  const text = (key: string) => (given[key] ?? "") as string;
  const who = none ? `${text("from")} to ${text("to")}` : text("user");
  const [helo, from, to] = ["helo", "from", "to"].map((key) => toByteString(text(key)));
  const envelope = envelopeOf(helo, from, to);
  return caseOf(subject, "file", {
    name: given.name === undefined ? `${who}, ${text("expect")}` : text("name"),
    user: toByteString(text("user")),
    password: toByteString(text("password")),
    ...(none && {
      protocol: "smtp" as const,
      envelope: [envelope.helo, envelope.from, envelope.to] as const,
    }),
    ...(given.method === "apop" && { protocol: "pop3" as const }),
    ...(given.server !== undefined && { server: readServer(text("server")) }),
    demand: text("expect") as Case["demand"],
    ...(given.protocol !== undefined && { protocol: text("protocol") as Case["protocol"] }),
    ...(given.method !== undefined && { method: text("method") as Case["method"] }),
    ...(given.client_ip !== undefined && { clientIp: text("client_ip") }),
    ...(given.attempt !== undefined && { attempt: given.attempt as number }),
  });
}

function checkKey(key: string, value: unknown, where: string): void {
  if (!KEYS.includes(key)) {
    const near = nearest(key, KEYS);
    throw new Misuse(`${where}: unknown key "${key}"`, near ? `did you mean "${near}"?` : "");
  }
  if (key === "attempt") {
    if (Number.isInteger(value) && (value as number) > 0) return;
    throw new Misuse(`${where}: attempt is a number from 1 on`);
  }
  if (typeof value !== "string") throw new Misuse(`${where}: ${key} is a string`);
  const choices = CHOICES[key];
  if (choices !== undefined && !choices.includes(value)) {
    throw new Misuse(`${where}: ${key} is one of ${choices.join(", ")}`);
  }
  if (key === "server" && readServer(value) === null) {
    throw new Misuse(`${where}: server is no address with a port`);
  }
  if (key === "client_ip" && parseAddress(value) === null) {
    throw new Misuse(`${where}: client_ip is no IP address`);
  }
}

// --- showing -------------------------------------------------------------------------------------

const MARKS = { pass: "ok", fail: "FAIL", skip: "skip" } as const;

/** One line a case under the title of its group; what is wrong stands below it. */
function suiteTable(
  results: readonly CaseResult[],
  { outColors: colors, columns }: Terminal,
): string {
  const lines: string[] = [];
  let group = "";
  let said = "";
  for (const each of results) {
    if (each.group !== group) lines.push(...(group === "" ? [] : [""]), colors.bold(each.group));
    group = each.group;
    const paint = each.is === "pass"
      ? colors.green
      : each.is === "fail"
      ? colors.red
      : colors.yellow;
    const right = `${each.decision ?? ""}${each.ms === null ? "" : ms(each.ms).padStart(9)}`;
    const name = cut(visible(each.name), columns - 8 - right.length - 1);
    const gap = " ".repeat(Math.max(1, columns - 8 - cells(name) - right.length));
    const end = right === "" ? "" : gap + colors.dim(right);
    lines.push(`  ${paint(MARKS[each.is].padEnd(4))}  ${name}${end}`);
    // A server with one fault often shows it again and again: in a row it is told once.
    const words = each.is === "fail" ? each.words : "";
    if (words !== "" && words !== said) lines.push(`        ${colors.red(visible(words))}`);
    said = words;
  }
  return lines.map((line) => `${line}\n`).join("") + "\n";
}

function cells(text: string): number {
  return Array.from(text, widthOf).reduce((sum, each) => sum + each, 0);
}

function cut(text: string, room: number): string {
  if (cells(text) <= room) return text;
  let kept = "";
  for (const char of text) {
    if (cells(kept + char) > room - 3) break;
    kept += char;
  }
  return `${kept}...`;
}

function summary(results: readonly CaseResult[], { outColors: colors }: Terminal): string {
  const count = (is: CaseResult["is"]) => results.filter((each) => each.is === is).length;
  const failed = count("fail");
  const parts = [
    colors.green(`${count("pass")} passed`),
    ...(failed > 0 ? [colors.red(`${failed} failed`)] : []),
    ...(count("skip") > 0 ? [colors.yellow(`${count("skip")} skipped`)] : []),
  ];
  return `${parts.join(", ")}\n`;
}

function suiteJunit(results: readonly CaseResult[], server: ServerSettings): string {
  const groups = [...new Set(results.map(({ group }) => group))];
  const suites = groups.map((group) =>
    junitGroup(group, results.filter((each) => each.group === group))
  );
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="doorpost test-auth ${
    xml(urlOf(server))
  }">\n${suites.join("")}</testsuites>\n`;
}

function junitGroup(group: string, results: readonly CaseResult[]): string {
  const count = (is: CaseResult["is"]) => results.filter((each) => each.is === is).length;
  const cases = results.map(({ name, is, words, ms: time }) => {
    const inner = is === "pass"
      ? ""
      : is === "skip"
      ? `<skipped message="${xml(words)}"/>`
      : `<failure message="${xml(words)}">${xml(words)}</failure>`;
    const head = `    <testcase classname="${xml(group)}" name="${xml(name)}" ` +
      `time="${((time ?? 0) / 1000).toFixed(3)}"`;
    return inner === "" ? `${head}/>\n` : `${head}>${inner}</testcase>\n`;
  });
  return `  <testsuite name="${xml(group)}" tests="${results.length}" failures="${
    count("fail")
  }" ` +
    `errors="0" skipped="${count("skip")}">\n${cases.join("")}  </testsuite>\n`;
}
