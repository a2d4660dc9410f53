/** `--tls-scan`: which TLS versions a server has, each tried on a connection of its own. */

import { parseAddress } from "../net/address.ts";
import type { TlsVersion } from "../net/ports.ts";
import { clientHello, readAnswer, type ServerAnswer } from "./hello.ts";
import type { Finding, VersionReport } from "./model.ts";
import type { Place } from "./options.ts";
import { Fault, type Talk } from "./talk.ts";

const VERSIONS: readonly TlsVersion[] = ["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"];

export async function scanTls(place: Place): Promise<VersionReport[]> {
  const found: VersionReport[] = [];
  for (const version of VERSIONS) found.push(await tryVersion(place, version));
  return found;
}

async function tryVersion(place: Place, version: TlsVersion): Promise<VersionReport> {
  let talk: Talk | null = null;
  try {
    talk = await place.connect();
    if (!await atHandshake(place, talk)) {
      return { version, offered: null, detail: "the server refused STARTTLS" };
    }
    talk.connection.write(clientHello(version, place.runtime.random(32), sniOf(place)));
    return judged(version, await answer(talk));
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    // Many a server hangs up instead of sending an alert.
    const offered = error.kind === "closed" ? false : null;
    return { version, offered, detail: error.message };
  } finally {
    talk?.drop();
  }
}

/** RFC 6066 section 3: literal addresses are not sent. */
export function sniOf({ serverName }: Place): string | null {
  return serverName !== undefined && !parseAddress(serverName) ? serverName : null;
}

/** As far as the first byte of the handshake. False: STARTTLS is refused. */
export async function atHandshake(place: Place, talk: Talk): Promise<boolean> {
  if (place.target.implicitTls) return true;
  const client = place.client();
  await talk.reply(client, null);
  if (client.protocol === "smtp") await talk.ask(client, client.ask[0]());
  return (await talk.ask(client, client.starttls())).is === "ok";
}

async function answer(talk: Talk): Promise<ServerAnswer> {
  const deadline = talk.deadline();
  for (;;) {
    const { reader } = talk;
    const found = readAnswer(reader.bytes.subarray(reader.at));
    if (found) return found;
    await talk.more("waiting for the ServerHello", deadline);
  }
}

function judged(version: TlsVersion, found: ServerAnswer): VersionReport {
  switch (found.is) {
    case "choice":
      return found.version === version
        ? { version, offered: true, detail: "offered" }
        : { version, offered: false, detail: `answered with ${found.version}` };
    case "alert":
      return { version, offered: false, detail: ALERTS[found.number] ?? `alert ${found.number}` };
    case "other":
      return { version, offered: null, detail: "the answer is not TLS" };
  }
}

const ALERTS: Readonly<Record<number, string>> = {
  40: "handshake failure",
  70: "protocol version not supported",
  71: "insufficient security",
  80: "internal error",
  86: "inappropriate fallback",
  112: "unrecognized name",
};

export function scanFindings(versions: readonly VersionReport[]): Finding[] {
  const has = (name: string) => versions.find(({ version }) => version === name)?.offered;
  const old = versions.filter(({ version, offered }) =>
    offered && (version === "TLSv1" || version === "TLSv1.1")
  ).map(({ version }) => version);
  const found: Finding[] = [];
  if (old.length > 0) {
    const message = `${old.join(" and ")} offered: deprecated by RFC 8996`;
    found.push({ id: "tls-version-old", severity: "warning", message });
  }
  if (has("TLSv1.3") === false) {
    const severity = has("TLSv1.2") === false ? "error" : "info";
    const message = severity === "error"
      ? "neither TLSv1.2 nor TLSv1.3 is offered"
      : "TLSv1.3 is not offered";
    found.push({ id: "tls-version-missing", severity, message });
  }
  return found;
}
