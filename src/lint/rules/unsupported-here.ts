/**
 * Something in the configuration has no effect on this system or runtime. The same id has what is found
 * while listeners and TLS contexts are made; here are the directives of the whole process.
 */

import type { Limited } from "../granted.ts";
import { globalPlace, type Rule } from "../rule.ts";

export const unsupportedHere: Rule<Limited> = {
  id: "unsupported-here",
  severity: "warning",
  title: "something has no effect on this system or runtime",
  why:
    "The executable lacks a few settings of TLS; run on Deno or Node, other settings of TLS, some " +
    "parameters of `listen` and, on Deno, worker processes are out of reach. The finding names " +
    "what is missing and why. What would weaken security if it were left out is an error, not a " +
    "warning. `docs/runtimes.md` has the whole list.",
  mend: "Use the executable, or leave the directive out.",
  bad: `# on a runtime that cannot start processes
worker_processes = "auto"
auth_http = "127.0.0.1:9000/auth"

[[server]]
listen = "127.0.0.1:143"`,
  good: `# on a runtime that cannot start processes
worker_processes = 1
auth_http = "127.0.0.1:9000/auth"

[[server]]
listen = "127.0.0.1:143"`,
  check: (subject, report) => {
    const { settings: { global }, granted: { alone, fixedFiles } } = subject;
    if (global.worker_processes === "auto" && alone !== null) {
      const message = `worker_processes auto starts a single process: ${alone}`;
      report(globalPlace(subject, "worker_processes"), message);
    }
    if (global.worker_rlimit_nofile !== null && fixedFiles !== null) {
      const message = `worker_rlimit_nofile has no effect: ${fixedFiles}`;
      report(globalPlace(subject, "worker_rlimit_nofile"), message);
    }
  },
};
