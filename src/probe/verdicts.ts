/** What a session showed that a person should know: capabilities, cleartext logins, slow steps. Pure. */

import type { ProtocolName } from "../session/machine.ts";
import type { Capabilities, Finding, Step } from "./model.ts";
import { without } from "./model.ts";

/** Capabilities that belong to one side of STARTTLS by their nature. */
const BEFORE = /^(?:STARTTLS|STLS|LOGINDISABLED)$/;
const AFTER = /^(?:AUTH=.*|SASL-IR|USER|REQUIRETLS)$/;

export function capabilityFindings(
  protocol: ProtocolName,
  { cleartext, tls }: Capabilities,
): Finding[] {
  return [
    ...(cleartext ? cleartextLogin(protocol, cleartext) : []),
    ...(cleartext && tls ? disagreement(cleartext, tls) : []),
    ...(tls ? stillOffered(tls) : []),
  ];
}

/** Methods that send the password as it is. */
const OPEN = /^AUTH=(?:PLAIN|LOGIN|XOAUTH2|OAUTHBEARER)$/;

function cleartextLogin(protocol: ProtocolName, offered: readonly string[]): Finding[] {
  const ways = offered.filter((each) => OPEN.test(each));
  if (protocol === "imap" && offered.length > 0 && !offered.includes("LOGINDISABLED")) {
    ways.push("LOGIN");
  }
  if (protocol === "pop3" && offered.includes("USER")) ways.push("USER");
  if (ways.length === 0) return [];
  const message = `passwords are taken without TLS: ${ways.join(", ")}`;
  return [{ id: "cleartext-login", severity: "warning", message }];
}

function disagreement(cleartext: readonly string[], tls: readonly string[]): Finding[] {
  const gone = without(cleartext, tls).filter((each) => !BEFORE.test(each) && !AFTER.test(each));
  const come = without(tls, cleartext).filter((each) => !BEFORE.test(each) && !AFTER.test(each));
  const parts = [
    ...(gone.length > 0 ? [`only before TLS: ${gone.join(", ")}`] : []),
    ...(come.length > 0 ? [`only under TLS: ${come.join(", ")}`] : []),
  ];
  if (parts.length === 0) return [];
  const message = `capabilities disagree; ${parts.join("; ")}`;
  return [{ id: "capabilities-disagree", severity: "warning", message }];
}

function stillOffered(tls: readonly string[]): Finding[] {
  const word = tls.find((each) => each === "STARTTLS" || each === "STLS");
  if (!word) return [];
  const message = `${word} is still offered under TLS`;
  return [{ id: "starttls-still-offered", severity: "warning", message }];
}

export function slowFindings(steps: readonly Step[], slowMs: number): Finding[] {
  return steps.filter(({ ms, ok }) => ok && ms > slowMs).map(({ name, ms }) => ({
    id: "slow-step",
    severity: "warning",
    message: `${name} took ${Math.round(ms)} ms, more than ${slowMs} ms`,
  }));
}
