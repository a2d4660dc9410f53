/** `probe` as a function: a session, the checks that were asked for, and the verdicts, as one report. */

import { formatEndpoint } from "../net/address.ts";
import type { Runtime } from "../net/ports.ts";
import { checkInjection } from "./injection.ts";
import type { Capabilities, Finding, Report, VersionReport } from "./model.ts";
import type { Place, ProbeOptions } from "./options.ts";
import { checkRelay } from "./relay.ts";
import { Session } from "./session.ts";
import type { Target } from "./target.ts";
import { readStaple, stapleFindings } from "./staple.ts";
import { scanFindings, scanTls } from "./tls-scan.ts";
import { capabilityFindings, slowFindings } from "./verdicts.ts";

/** Never rejects for anything that a server does. */
export async function probe(
  runtime: Runtime,
  target: Target,
  options: ProbeOptions,
): Promise<Report> {
  const began = runtime.clock.monotonic();
  const session = new Session(runtime, target, options);
  await session.run();
  const totalMs = runtime.clock.monotonic() - began;
  const { place, steps, capabilities } = session;
  const findings: Finding[] = [
    ...session.findings,
    ...capabilityFindings(target.protocol, capabilities),
    ...slowFindings(steps, options.slowMs),
  ];
  let versions: readonly VersionReport[] | null = null;
  let { tls } = session;
  const reached = session.reached ? place : null;
  const injection = reached && options.injection
    ? await checkInjection(reached, capabilities)
    : null;
  const { relayTo } = options;
  const relay = reached && relayTo !== null ? await checkRelay(reached, relayTo) : null;
  findings.push(...injection?.findings ?? [], ...relay?.findings ?? []);
  if (place && tls && session.info) {
    const ocsp = await readStaple(place, session.info);
    tls = { ...tls, ocsp };
    if (ocsp) findings.push(...stapleFindings(ocsp, runtime.clock.now()));
  }
  if (place && options.tlsScan && (target.implicitTls || offersTls(place, capabilities))) {
    versions = await scanTls(place);
    findings.push(...scanFindings(versions));
  }
  return {
    target: target.url,
    scheme: target.scheme,
    address: place ? formatEndpoint(place.at) : null,
    addresses: session.endpoints.map(formatEndpoint),
    outcome: outcomeOf(session, findings),
    totalMs: Math.round(totalMs * 1000) / 1000,
    greeting: session.greeting,
    steps,
    capabilities: { ...capabilities },
    tls,
    login: session.login,
    messages: session.messages,
    versions,
    checks: { injection: injection?.said ?? null, relay: relay?.said ?? null },
    findings,
    transcript: session.transcript,
  };
}

/** Also where no handshake came about: a version that we lack may be why. */
function offersTls(place: Place, { cleartext }: Capabilities): boolean {
  return cleartext !== null && place.client().offersStartTls(cleartext);
}

/** A handshake that fails is a finding: somebody is there. */
function outcomeOf({ reached }: Session, findings: readonly Finding[]): Report["outcome"] {
  const dead = findings.some(({ id }) => id === "unreachable" || id === "timeout");
  if (!reached && dead) return "unreachable";
  return findings.some(({ severity }) => severity !== "info") ? "findings" : "fine";
}
