/** The limit of open files is too low for `worker_connections`. */

import type { Limited } from "../granted.ts";
import { globalPlace, type Rule } from "../rule.ts";

/** Standard streams, the event loop's own and a reserve for configuration and keys at a reload. */
const OWN_FILES = 32;

const RLIMIT = ["worker_rlimit_nofile"] as const;

export const openFiles: Rule<Limited> = {
  id: "open-files",
  severity: "warning",
  title: "the limit of open files is too low for worker_connections",
  why: "Every connection is an open file, and a logged-in session has two of them. When a worker " +
    "has no files left, it can take no client and reach no backend, though " +
    "`worker_connections` says that it may. The limit is the one of the machine and the shell " +
    "that the check runs on; a service manager may give the proxy another.",
  mend: "Set `worker_rlimit_nofile`, or raise the limit where the proxy is started: " +
    "`LimitNOFILE=` in a systemd unit, `ulimit -n` in a shell.",
  bad: `# on a system that grants 1024 open files
worker_connections = 20000
auth_http = "127.0.0.1:9000/auth"

[[server]]
listen = "127.0.0.1:143"`,
  good: `# on a system that grants 1024 open files
worker_connections = 20000
worker_rlimit_nofile = 20100
auth_http = "127.0.0.1:9000/auth"

[[server]]
listen = "127.0.0.1:143"`,
  check: (subject, report) => {
    const { settings: { global, servers }, granted } = subject;
    const directive = granted.fixedFiles === null ? global.worker_rlimit_nofile : null;
    const limit = directive ?? granted.openFiles;
    const listeners = servers.reduce((sum, server) => sum + server.listen.length, 0);
    const needed = global.worker_connections + listeners + OWN_FILES;
    if (limit === null || limit >= needed) return;
    const named = directive === null
      ? `the limit of open files is ${limit}`
      : `worker_rlimit_nofile is ${limit}`;
    const remedy = granted.fixedFiles === null ? `set worker_rlimit_nofile to ${needed}, or ` : "";
    report(
      globalPlace(subject, ...directive === null ? [] : RLIMIT, "worker_connections"),
      `${named}, too low for ${global.worker_connections} worker_connections, ` +
        `which need ${needed}`,
      `${remedy}start with ulimit -n ${needed} (LimitNOFILE=${needed} under systemd)`,
    );
  },
};
