/**
 * `openssl s_client` as a TLS client whose every choice can be made: versions, ciphers, groups,
 * certificates, sessions. It stays until what was waited for has come, then leaves in good order.
 */

import { Buffer } from "node:buffer";
import { spawn } from "node:child_process";
import { runProgram } from "./process.ts";

const PATIENCE_MS = 15_000;

export interface Visit {
  /** All that it printed: what was agreed on, and the server's lines among it. */
  readonly text: string;
  /** The cipher of the session; null when there was no handshake. */
  readonly cipher: string | null;
  readonly protocol: string | null;
  readonly resumed: boolean;
  /** The alert that ended it: `no application protocol`. */
  readonly alert: string | null;
}

export interface VisitOptions {
  /** Sent when the server has greeted; after STARTTLS, when the handshake is done. */
  readonly say?: string;
  /** It leaves when this has come; default: a greeting, or a refusal in its place. */
  readonly until?: RegExp;
  readonly cwd?: string;
}

/** Not at the start of a line: s_client may break off what it says of a ticket for the server's words. */
const GREETING = /ready\n|\* (?:OK|BYE) |\+OK |-ERR |220 [a-z]|421 4/;
const HANDSHAKE_DONE = /Verify return code/;

export function visit(
  port: number,
  args: readonly string[] = [],
  { say, until = GREETING, cwd }: VisitOptions = {},
): Promise<Visit> {
  return new Promise((resolve, reject) => {
    const target = ["s_client", "-connect", `127.0.0.1:${port}`];
    const child = spawn("openssl", [...target, ...args], { cwd, timeout: PATIENCE_MS });
    const turn = args.includes("-starttls") ? HANDSHAKE_DONE : GREETING;
    let text = "";
    let said = say === undefined;
    let leaving = false;
    const take = (bytes: Buffer) => {
      text += bytes.toString("latin1");
      if (!said && turn.test(text)) {
        said = true;
        child.stdin.write(say!);
      }
      if (leaving || !until.test(text)) return;
      leaving = true;
      // A line of its own that begins with Q ends s_client.
      child.stdin.end("Q\n");
    };
    child.stdout.on("data", take);
    child.stderr.on("data", take);
    child.stdin.on("error", () => {});
    child.once("error", reject);
    child.once("close", () => resolve(visitOf(text)));
  });
}

function visitOf(text: string): Visit {
  const [, kind, protocol, cipher] = /^(New|Reused), (\S+), Cipher is (\S+)$/m.exec(text) ?? [];
  const alert = /:(?:tls|ssl)v?\d* ?alert ([a-z ]+):/.exec(text)?.[1] ?? null;
  const agreed = cipher !== undefined && cipher !== "(NONE)";
  return {
    text,
    protocol: agreed ? protocol! : null,
    cipher: agreed ? cipher : null,
    resumed: kind === "Reused",
    alert,
  };
}

let parameters: string | null = null;

/** The 2048-bit group of RFC 7919 as `ssl_dhparam` wants it. */
export function dhParameters(): string {
  const args = ["genpkey", "-genparam", "-algorithm", "DH", "-pkeyopt", "group:ffdhe2048"];
  return parameters ??= runProgram("openssl", args);
}

/** A key behind a pass phrase as openssl wrote them before PKCS#8: `Proc-Type: 4,ENCRYPTED`. */
export function sealKey(key: string, passphrase: string): string {
  const args = ["pkey", "-traditional", "-aes256", "-passout", `pass:${passphrase}`];
  return runProgram("openssl", args, key);
}
