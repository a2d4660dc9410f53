/**
 * Directives of nginx's `main` and `events` contexts. In TOML they stand at the top level with the rest.
 */

import { optional, row } from "../directive.ts";
import { ERROR_LOG } from "../error-log.ts";
import { CONNECTIONS, USER, WORKERS } from "../process-values.ts";
import { FLAG, NUMBER, PATH, TIME } from "../values.ts";

export const MAIN = {
  worker_processes: row(WORKERS, {
    contexts: ["main"],
    default: 1,
    doc: "How many worker processes share the listeners; `auto` starts one a processor.",
    example: "worker_processes 4;",
  }),
  worker_connections: row(CONNECTIONS, {
    contexts: ["events"],
    default: 512,
    doc: "How many connections, to clients and to backends together, one worker holds at a time.",
    example: "worker_connections 20000;",
  }),
  worker_rlimit_nofile: optional(NUMBER, {
    contexts: ["main"],
    doc: "Raises the limit of open files (sockets included) of the workers.",
    example: "worker_rlimit_nofile 65536;",
  }),
  worker_shutdown_timeout: optional(TIME, {
    contexts: ["main"],
    doc: "How long sessions may go on after a reload or a graceful stop before they are closed.",
    example: "worker_shutdown_timeout 10m;",
  }),
  user: optional(USER, {
    contexts: ["main"],
    doc: "The user, and the group if it is not the user's own, that workers run as.",
    example: "user mail mail;",
    status: "differs",
    note: "Without it a worker keeps the user that started it; nginx then changes to `nobody`.",
  }),
  pid: optional(PATH, {
    contexts: ["main"],
    doc: "File that receives the process id of the master.",
    example: "pid /run/doorpost.pid;",
    status: "differs",
    note: "Without it no file is written, and that of another process that runs is left alone. A " +
      "relative path starts at the configuration's folder.",
  }),
  daemon: row(FLAG, {
    contexts: ["main"],
    default: false,
    doc: "Whether to leave the foreground.",
    example: "daemon off;",
    status: "differs",
    note: "Doorpost stays in the foreground; `on` is accepted with a warning.",
  }),
  error_log: row(ERROR_LOG, {
    contexts: ["main", "mail", "server"],
    default: [{ destination: { is: "stderr" }, level: "error" }],
    doc:
      "Where log lines go (a file, `stderr` or `syslog:...`) and the least grave level that is " +
      "written. Session lines are `info`. The logs of a server replace those of the levels above.",
    example: "error_log /var/log/doorpost.log info;",
    status: "differs",
    note: "The default is the standard error stream, not a file; `memory:` is ignored with a " +
      "warning. A relative path starts at the configuration's folder.",
  }),
} as const;
