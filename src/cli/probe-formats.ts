/**
 * A probe for machines: JSON (docs/probe.schema.json), the one line of a Nagios plugin (Monitoring
 * Plugins' development guidelines: status, perfdata behind a bar) and Prometheus' text format 0.0.4.
 */

import type { Difference, Report } from "../probe/model.ts";
import type { LoadReport } from "../probe/load.ts";
import { visible } from "./cells.ts";
import type { Limits } from "./probe-request.ts";

/** Counted up when something is taken away or changes its meaning. */
const SCHEMA = 1;

export interface Results {
  readonly reports: readonly Report[];
  readonly direct: { readonly report: Report; readonly difference: Difference } | null;
  readonly load: LoadReport | null;
}

/** @param time of a round of several, which is then one line; null: the only one. */
export function probeJson(results: Results, verbose: boolean, time: string | null): string {
  const shown = (report: Report) => {
    const { transcript, ...rest } = report;
    return verbose ? { ...rest, transcript } : rest;
  };
  const { reports, direct, load } = results;
  const value = {
    schema: SCHEMA,
    ...(time !== null && { time }),
    reports: reports.map(shown),
    ...(direct && { direct: { report: shown(direct.report), difference: direct.difference } }),
    ...(load && { load }),
  };
  return `${JSON.stringify(value, null, time === null ? 2 : 0)}\n`;
}

// --- Nagios --------------------------------------------------------------------------------------

const STATES = ["OK", "WARNING", "CRITICAL", "UNKNOWN"] as const;

export interface Judged {
  /** 0 OK, 1 WARNING, 2 CRITICAL. */
  readonly state: 0 | 1 | 2;
  readonly text: string;
}

export function nagios(reports: readonly Report[], warn: Limits, crit: Limits): Judged {
  const states = reports.map((report) => stateOf(report, crit));
  const state = Math.max(...states) as Judged["state"];
  const gravest = reports[states.indexOf(state)];
  const several = reports.length > 1 ? `${reports.length} servers, ` : "";
  const line = `MAIL ${STATES[state]} - ${several}${sentence(gravest)}`;
  const perfdata = reports.flatMap((report, at) =>
    perfdataOf(report, reports.length > 1 ? `${at + 1}_` : "", warn, crit)
  );
  const more = reports.length > 1
    ? reports.map((report, at) => `${STATES[states[at]]}: ${sentence(report)}\n`).join("")
    : "";
  return { state, text: `${line} | ${perfdata.join(" ")}\n${more}` };
}

function stateOf(report: Report, crit: Limits): Judged["state"] {
  const { outcome, findings, tls, totalMs } = report;
  const days = tls?.certificate?.daysLeft ?? Infinity;
  const grave = findings.some(({ severity }) => severity === "error");
  if (outcome === "unreachable" || grave || days < crit.days || totalMs > crit.ms) return 2;
  return outcome === "findings" ? 1 : 0;
}

/** A bar would begin the perfdata. */
function sentence({ target, findings, tls, login, totalMs }: Report): string {
  const bad = findings.filter(({ severity }) => severity !== "info");
  const facts = [
    ...(tls ? [tls.protocol] : []),
    ...(tls?.certificate ? [`certificate ${tls.certificate.daysLeft} days`] : []),
    ...(login?.ok ? [`${login.user} logged in`] : []),
    `${Math.round(totalMs)} ms`,
  ];
  const said = bad.length > 0 ? bad.map(({ message }) => message).join("; ") : facts.join(", ");
  return visible(`${target}: ${said}`).replaceAll("|", "/");
}

function perfdataOf({ totalMs, tls, steps }: Report, prefix: string, warn: Limits, crit: Limits) {
  const certificate = tls?.certificate;
  return [
    `'${prefix}time'=${totalMs}ms;${warn.ms};${crit.ms};0`,
    ...(certificate
      ? [`'${prefix}certificate_days'=${certificate.daysLeft};${warn.days}:;${crit.days}:`]
      : []),
    ...steps.map(({ name, ms }) => `'${prefix}${name.replaceAll(" ", "_")}'=${ms}ms;;;0`),
  ];
}

// --- Prometheus ----------------------------------------------------------------------------------

interface Metric {
  readonly name: string;
  readonly help: string;
  samples(report: Report): readonly (readonly [labels: Record<string, string>, value: number])[];
}

const METRICS: readonly Metric[] = [
  {
    name: "doorpost_probe_up",
    help: "Whether the server could be reached.",
    samples: ({ outcome }) => [[{}, outcome === "unreachable" ? 0 : 1]],
  },
  {
    name: "doorpost_probe_duration_seconds",
    help: "How long the whole session took.",
    samples: ({ totalMs }) => [[{}, seconds(totalMs)]],
  },
  {
    name: "doorpost_probe_step_seconds",
    help: "How long each step of the session took.",
    samples: ({ steps }) => [...lastOf(steps)].map(([step, ms]) => [{ step }, seconds(ms)]),
  },
  {
    name: "doorpost_probe_login_ok",
    help: "Whether the login went well; absent when none was tried.",
    samples: ({ login }) => login ? [[{ method: login.method }, login.ok ? 1 : 0]] : [],
  },
  {
    name: "doorpost_probe_tls_info",
    help: "Protocol and cipher of the TLS session; always 1.",
    samples: ({ tls }) => tls ? [[{ protocol: tls.protocol, cipher: tls.cipher }, 1]] : [],
  },
  {
    name: "doorpost_probe_certificate_not_after_seconds",
    help: "When the certificate expires, in seconds since 1970.",
    samples: ({ tls }) =>
      tls?.certificate ? [[{}, Date.parse(tls.certificate.notAfter) / 1000]] : [],
  },
  {
    name: "doorpost_probe_chain_not_after_seconds",
    help: "When the first certificate of the whole chain expires, in seconds since 1970.",
    samples: ({ tls }) => {
      const ends = [tls?.certificate, ...tls?.chain ?? []].flatMap((each) =>
        each ? [Date.parse(each.notAfter) / 1000] : []
      );
      return ends.length > 0 ? [[{}, Math.min(...ends)]] : [];
    },
  },
  {
    name: "doorpost_probe_ocsp_good",
    help: "Whether the stapled OCSP response is good; absent when none is stapled.",
    samples: ({ tls }) => tls?.ocsp?.stapled ? [[{}, tls.ocsp.status === "good" ? 1 : 0]] : [],
  },
  {
    name: "doorpost_probe_tls_version_offered",
    help: "Whether a TLS version is offered, with --tls-scan.",
    samples: ({ versions }) =>
      (versions ?? []).flatMap(({ version, offered }) =>
        offered === null ? [] : [[{ version }, offered ? 1 : 0] as const]
      ),
  },
  {
    name: "doorpost_probe_messages",
    help: "The message count, with --fetch.",
    samples: ({ messages }) => messages === null ? [] : [[{}, messages]],
  },
  {
    name: "doorpost_probe_certificate_verified",
    help: "Whether the certificate verified.",
    samples: ({ tls }) => tls?.certificate ? [[{}, tls.certificate.verified ? 1 : 0]] : [],
  },
  {
    name: "doorpost_probe_finding",
    help: "One for each finding; the value counts.",
    samples: ({ findings }) =>
      [...new Set(findings.map(({ id }) => id))].map((id) => {
        const same = findings.filter((each) => each.id === id);
        return [{ id, severity: same[0].severity }, same.length];
      }),
  },
];

/** Without the tail of digits that a division leaves. */
function seconds(ms: number): number {
  return Number((ms / 1000).toFixed(6));
}

/** A step that occurs twice counts once: a sample may not be given twice. */
function lastOf(steps: Report["steps"]): Map<string, number> {
  return new Map(steps.map(({ name, ms }) => [name, ms]));
}

export function prometheus(reports: readonly Report[]): string {
  return METRICS.map(({ name, help, samples }) => {
    const lines = reports.flatMap((report) =>
      samples(report).map(([labels, value]) =>
        `${name}{${labelsOf({ target: report.target, ...labels })}} ${value}\n`
      )
    );
    if (lines.length === 0) return "";
    // The same target twice, as with --direct, is one series.
    const series = new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(" ")), line]));
    return `# HELP ${name} ${help}\n# TYPE ${name} gauge\n${[...series.values()].join("")}`;
  }).join("");
}

function labelsOf(labels: Readonly<Record<string, string>>): string {
  const escaped = (text: string) =>
    text.replace(/[\\"\n]/g, (char) => char === "\n" ? "\\n" : `\\${char}`);
  return Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`).join(",");
}
