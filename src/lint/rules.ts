/** All lint rules, in the order of their findings. */

import type { Limited } from "./granted.ts";
import type { Rule } from "./rule.ts";
import { addressCovered } from "./rules/address-covered.ts";
import { backlogCut } from "./rules/backlog-cut.ts";
import { authHttpCleartext } from "./rules/auth-http-cleartext.ts";
import { capabilityContradiction } from "./rules/capability-contradiction.ts";
import { certificateExpiry } from "./rules/certificate-expiry.ts";
import { certificateName } from "./rules/certificate-name.ts";
import { chunkingAdvertised } from "./rules/chunking-advertised.ts";
import { cleartextLogin } from "./rules/cleartext-login.ts";
import { cleartextPasswordsNeeded } from "./rules/cleartext-passwords-needed.ts";
import { localPorts } from "./rules/local-ports.ts";
import { oldTls } from "./rules/old-tls.ts";
import { openFiles } from "./rules/open-files.ts";
import { proxyProtocolUntrusted } from "./rules/proxy-protocol-untrusted.ts";
import { smtpNoneOnSubmission } from "./rules/smtp-none-on-submission.ts";
import { timeouts } from "./rules/timeouts.ts";
import { tlsPortAsBackend } from "./rules/tls-port-as-backend.ts";
import { unsupportedHere } from "./rules/unsupported-here.ts";
import { weakCiphers } from "./rules/weak-ciphers.ts";
import { worldReadableSecret } from "./rules/world-readable-secret.ts";
import { xclientWithSmtpAuth } from "./rules/xclient-with-smtp-auth.ts";

/** What the system lacks: said by `serve` at its start, too. */
export const LIMIT_RULES: readonly Rule<Limited>[] = [
  unsupportedHere,
  openFiles,
  backlogCut,
  localPorts,
];

export const RULES: readonly Rule[] = [
  cleartextLogin,
  chunkingAdvertised,
  capabilityContradiction,
  authHttpCleartext,
  tlsPortAsBackend,
  xclientWithSmtpAuth,
  smtpNoneOnSubmission,
  proxyProtocolUntrusted,
  oldTls,
  weakCiphers,
  cleartextPasswordsNeeded,
  timeouts,
  addressCovered,
  worldReadableSecret,
  certificateExpiry,
  certificateName,
  ...LIMIT_RULES,
];
