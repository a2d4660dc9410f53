/** What people are shown of a probe: a timeline, TLS, capabilities, the dialogue, and the verdicts. */

import type { Colors } from "picocolors/types";
import {
  type Capabilities,
  type CertificateReport,
  type Difference,
  finalCapabilities,
  type Finding,
  type Report,
  type Step,
  type TlsReport,
  type VersionReport,
  without,
} from "../probe/model.ts";
import type { OcspReport } from "../probe/ocsp.ts";
import { visible } from "./cells.ts";
import { wrap } from "./help.ts";
import type { Results } from "./probe-formats.ts";

export interface Look {
  readonly colors: Colors;
  readonly columns: number;
  readonly verbose: boolean;
}

/** Width of the first column: `capabilities`. */
const TERM = 14;
const MOST_COLUMNS = 100;

export function humanReport(report: Report, look: Look): string {
  const { colors } = look;
  const address = report.address === null ? "" : `  ${colors.dim(report.address)}`;
  return [
    `${colors.bold(visible(report.target))}${address}\n`,
    ...(look.verbose && report.transcript.length > 0 ? [transcript(report, look), "\n"] : []),
    timeline(report.steps, look),
    facts(report, look),
    "\n",
    verdicts(report, look),
  ].join("");
}

/** What was learnt, behind an empty line; nothing of a server that was not reached. */
function facts(report: Report, look: Look): string {
  const text = [
    report.tls ? tlsLines(report.tls, look) : "",
    report.versions ? entry("versions", versionText(report.versions), look) : "",
    report.checks.injection === null ? "" : entry("injection", report.checks.injection, look),
    report.checks.relay === null ? "" : entry("relaying", report.checks.relay, look),
    capabilityLines(report.capabilities, look),
    report.login ? entry("login", loginText(report), look) : "",
    report.messages === null ? "" : entry("messages", String(report.messages), look),
  ].join("");
  return text === "" ? "" : `\n${text}`;
}

function timeline(steps: readonly Step[], look: Look): string {
  const { colors } = look;
  const width = Math.max(0, ...steps.map(({ name }) => name.length));
  return steps.map(({ name, ms, ok, detail }) => {
    const mark = ok ? colors.green("+") : colors.red("x");
    const head = `  ${name.padEnd(width)}  ${milliseconds(ms).padStart(10)}  `;
    const room = columnsOf(look) - head.length - 2;
    return `${mark} ${head}${cut(visible(detail), room)}`.trimEnd() + "\n";
  }).join("");
}

export function milliseconds(ms: number): string {
  return `${ms < 100 ? ms.toFixed(1) : Math.round(ms)} ms`;
}

function cut(text: string, room: number): string {
  return text.length > room ? `${text.slice(0, Math.max(0, room - 3))}...` : text;
}

function columnsOf({ columns }: Look): number {
  return Math.min(columns, MOST_COLUMNS);
}

/** A term, and its text wrapped beside it. */
function entry(term: string, text: string, look: Look): string {
  const lines = wrap(visible(text), columnsOf(look) - TERM);
  return lines.map((line, index) =>
    `${look.colors.cyan((index === 0 ? term : "").padEnd(TERM))}${line}`.trimEnd() + "\n"
  ).join("");
}

// --- TLS -----------------------------------------------------------------------------------------

function tlsLines(tls: TlsReport, look: Look): string {
  const how = tls.by === "starttls" ? "by STARTTLS" : "from the first byte";
  return [
    entry("TLS", `${tls.protocol} ${tls.cipher}, ${how}`, look),
    entry("ALPN", alpnText(tls), look),
    ...(tls.certificate ? [certificateLines(tls.certificate, look), chainLines(tls, look)] : []),
    tls.ocsp ? entry("OCSP", ocspText(tls.ocsp), look) : "",
  ].join("");
}

function alpnText({ alpn, alpnOffered }: TlsReport): string {
  if (alpnOffered.length === 0) return "not offered";
  return `${alpnOffered.join(", ")} offered, ${alpn === null ? "nothing" : alpn} chosen`;
}

function chainLines({ chain }: TlsReport, look: Look): string {
  if (chain.length === 0) return entry("chain", "no intermediate certificates sent", look);
  return chain.map(({ subject, notAfter, daysLeft }, at) =>
    entry(
      at === 0 ? "chain" : "",
      `${subject}, until ${notAfter.slice(0, 10)}, ${left(daysLeft)}`,
      look,
    )
  ).join("");
}

function ocspText(
  { stapled, status, thisUpdate, nextUpdate, required, detail }: OcspReport,
): string {
  const demand = required ? ", which the certificate demands" : "";
  if (stapled === null) return `not known: ${detail}`;
  if (!stapled) return `no response stapled${demand}`;
  const times = thisUpdate === null
    ? ""
    : `, from ${thisUpdate.slice(0, 10)}${
      nextUpdate === null ? "" : ` until ${nextUpdate.slice(0, 10)}`
    }`;
  return `stapled: ${[status, detail].filter(Boolean).join(", ")}${times}${demand}`;
}

function left(days: number): string {
  if (days < 0) return "expired";
  return `${days} ${days === 1 ? "day" : "days"} left`;
}

function certificateLines(certificate: CertificateReport, look: Look): string {
  const { subject, issuer, names, notAfter, daysLeft, verified, verdict } = certificate;
  return entry("certificate", `${subject || "(no subject)"}, issued by ${issuer}`, look) +
    entry("", `names ${names.join(", ") || "none"}`, look) +
    entry("", `until ${notAfter.slice(0, 10)}, ${left(daysLeft)}`, look) +
    entry("", verified ? "verified" : `not verified: ${verdict}`, look);
}

function versionText(versions: readonly VersionReport[]): string {
  return versions.map(({ version, offered, detail }) =>
    `${version} ${offered === null ? `unknown (${detail})` : offered ? "yes" : "no"}`
  ).join(", ");
}

// --- capabilities --------------------------------------------------------------------------------

function capabilityLines(capabilities: Capabilities, look: Look): string {
  const { cleartext, tls, loggedIn } = capabilities;
  const first = cleartext ?? tls;
  if (!first) return "";
  const change = (before: readonly string[], after: readonly string[]) => {
    const words = [
      ...without(before, after).map((each) => `-${each}`),
      ...without(after, before).map((each) => `+${each}`),
    ];
    return words.join(" ") || "the same";
  };
  // A capability with parameters stays on one line where it fits one.
  const room = columnsOf(look) - TERM - 1;
  const list = (each: readonly string[]) =>
    each.map((word) => word.length > room ? word : word.replaceAll(" ", "\u00a0"));
  return [
    entry("capabilities", list(first).join(" ") || "none told", look),
    cleartext && tls ? entry("  under TLS", change(list(cleartext), list(tls)), look) : "",
    loggedIn ? entry("  logged in", change(list(tls ?? first), list(loggedIn)), look) : "",
  ].join("").replaceAll("\u00a0", " ");
}

function loginText({ login }: Report): string {
  const { user, method, ok, text } = login!;
  return `${user} by ${method}: ${ok ? "let in" : text}`;
}

function transcript({ transcript }: Report, { colors }: Look): string {
  return transcript.map(({ mark, text }) => {
    const ours = mark === "->" || mark === "~>";
    const shown = mark === "**" ? colors.dim(mark) : ours ? colors.cyan(mark) : colors.green(mark);
    return `${shown} ${visible(text)}`.trimEnd() + "\n";
  }).join("");
}

// --- verdicts ------------------------------------------------------------------------------------

function verdicts({ findings, outcome }: Report, look: Look): string {
  const { colors } = look;
  const lines = findings.map((finding) => findingLines(finding, look));
  const last = {
    fine: colors.green("fine"),
    findings: `${findings.filter(({ severity }) => severity !== "info").length} to look at`,
    unreachable: colors.red("not reachable"),
  }[outcome];
  return `${lines.join("")}${colors.bold(last)}\n`;
}

export function findingLines({ id, severity, message }: Finding, look: Look): string {
  const { colors } = look;
  const paint = { error: colors.red, warning: colors.yellow, info: colors.cyan }[severity];
  const [first, ...rest] = wrap(
    `${severity}[${id}]: ${visible(message)}`,
    columnsOf(look) - 2,
  );
  const head = first.indexOf(":");
  return `${paint(first.slice(0, head))}${first.slice(head)}\n` +
    rest.map((line) => `  ${line}\n`).join("");
}

// --- against the backend -------------------------------------------------------------------------

export function differenceText({ report: backend, difference }: Direct, look: Look): string {
  const { proxyOnly, backendOnly, loggedIn, sameCertificate, tls, extraMs, steps } = difference;
  const words = (list: readonly string[]) => list.join(" ") || "-";
  const secured = tls.proxy === tls.backend
    ? tls.proxy ?? "neither"
    : `proxy ${tls.proxy ?? "none"}, backend ${tls.backend ?? "none"}`;
  const slower = `${milliseconds(Math.abs(extraMs))} ${extraMs < 0 ? "faster" : "slower"}`;
  return [
    `\n${look.colors.bold("The proxy against the backend")}  ${look.colors.dim(backend.target)}\n`,
    entry("only proxy", words(proxyOnly), look),
    entry("only backend", words(backendOnly), look),
    loggedIn ? entry("logged in", loggedInText(loggedIn), look) : "",
    entry("TLS", secured, look),
    entry("certificate", CERTIFICATES[String(sameCertificate) as "true"], look),
    entry("time", `${slower} in all`, look),
    ...steps.map((step) => stepLine(step)),
  ].join("");
}

type Direct = NonNullable<Results["direct"]>;

const CERTIFICATES = {
  true: "the same",
  false: "another",
  null: "not both have one",
} as const;

function loggedInText({ proxyOnly, backendOnly }: NonNullable<Difference["loggedIn"]>): string {
  const parts = [...proxyOnly.map((each) => `+${each}`), ...backendOnly.map((each) => `-${each}`)];
  return parts.join(" ") || "the same capabilities";
}

function stepLine({ name, proxyMs, backendMs }: Difference["steps"][number]): string {
  const times = [proxyMs, backendMs, proxyMs - backendMs].map((ms, at) =>
    `${at === 2 && ms >= 0 ? "+" : ""}${milliseconds(ms)}`.padStart(11)
  );
  return `${" ".repeat(TERM)}${name.padEnd(25)}${times.join("")}\n`;
}

// --- several -------------------------------------------------------------------------------------

/** One line a target. */
export function summaryTable(reports: readonly Report[], look: Look): string {
  const { colors } = look;
  const rows = reports.map((report) => [
    report.target,
    report.outcome,
    report.tls?.protocol ?? "-",
    report.tls?.certificate ? `${report.tls.certificate.daysLeft} d` : "-",
    String(finalCapabilities(report.capabilities).length),
    milliseconds(report.totalMs),
    idsOf(report),
  ]);
  const head = ["target", "outcome", "TLS", "cert", "caps", "time", "findings"];
  const width = (at: number) => Math.max(...[head, ...rows].map((row) => row[at].length));
  const widths = head.map((_, at) => width(at));
  // A long URL gives way to what was found out about it.
  const others = widths.slice(1, -1).reduce((sum, each) => sum + each + 2, 0);
  widths[0] = Math.max(head[0].length, Math.min(widths[0], columnsOf(look) - others));
  const cellsOf = (row: readonly string[]) =>
    row.slice(0, -1).map((cell, at) => cut(visible(cell), widths[at]).padEnd(widths[at]));
  const fits = (cells: readonly string[], last: string) =>
    cells.join("  ").length + 2 + last.length <= columnsOf(look);
  const line = (row: readonly string[]) => {
    const cells = cellsOf(row);
    const last = row.at(-1)!;
    // Findings that do not fit beside the rest stand below it.
    const behind = last === "" ? "" : fits(cells, last) ? `  ${last}` : `\n  ${last}`;
    const [target, outcome, ...rest] = cells;
    return [target, paintOf(outcome, look), ...rest].join("  ").trimEnd() + behind;
  };
  const heads = cellsOf(head);
  const heading = `${heads.join("  ")}  ${fits(heads, head.at(-1)!) ? head.at(-1) : ""}`.trimEnd();
  return [colors.bold(heading), ...rows.map(line)].map((text) => `${text}\n`).join("");
}

function paintOf(outcome: string, { colors }: Look): string {
  switch (outcome.trim()) {
    case "fine":
      return colors.green(outcome);
    case "findings":
      return colors.yellow(outcome);
    default:
      return colors.red(outcome);
  }
}

function idsOf({ findings }: Report): string {
  return [...new Set(findings.filter(({ severity }) => severity !== "info").map(({ id }) => id))]
    .join(" ");
}
