/**
 * Whom to trust when a certificate is looked at: `--ca` alone; else SSL_CERT_FILE, as OpenSSL has it, or the
 * system's store, and those of NODE_EXTRA_CA_CERTS besides. Bun and Deno leave that variable out once
 * they are given authorities, so it is read here.
 */

import { rootCertificates } from "node:tls";
import type { Files, Host } from "../net/ports.ts";

/** Where systems keep all authorities in one file: Debian, Red Hat, openSUSE, Alpine and the BSDs. */
const BUNDLES = [
  "/etc/ssl/certs/ca-certificates.crt",
  "/etc/pki/tls/certs/ca-bundle.crt",
  "/etc/ssl/ca-bundle.pem",
  "/etc/ssl/cert.pem",
];

/** PEM texts; undefined leaves the system's store to the runtime. Throws a `FileError`. */
export function authorities(
  named: string | undefined,
  { files, host }: { readonly files: Files; readonly host: Host },
): readonly string[] | undefined {
  if (named !== undefined) return [files.readText(named)];
  const own = host.env("SSL_CERT_FILE");
  const extra = host.env("NODE_EXTRA_CA_CERTS");
  const base = own ? [files.readText(own)] : undefined;
  return extra ? [...base ?? systems(files), files.readText(extra)] : base;
}

function systems(files: Files): readonly string[] {
  const bundle = BUNDLES.find((path) => files.exists(path));
  return bundle === undefined ? rootCertificates : [files.readText(bundle)];
}
