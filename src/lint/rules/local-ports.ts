/** More sessions are allowed than there are local ports towards one backend. */

import type { Limited } from "../granted.ts";
import { globalPlace, type Rule } from "../rule.ts";

export const localPorts: Rule<Limited> = {
  id: "local-ports",
  severity: "warning",
  title: "more sessions are allowed than there are local ports towards one backend",
  why: "A connection to a backend needs a local port of its own for that address and port. There " +
    "are as many as `net.ipv4.ip_local_port_range` has; when they are used up, logins fail " +
    "though neither the proxy nor the backend is full. All workers share them.",
  mend: 'Widen the range (`sysctl -w net.ipv4.ip_local_port_range="1024 65535"`), or let the ' +
    "auth server spread users over more addresses or ports.",
  bad: `# on a system with net.ipv4.ip_local_port_range = 32768 60999
worker_connections = 60000
worker_rlimit_nofile = 65536
auth_http = "127.0.0.1:9000/auth"

[[server]]
listen = "127.0.0.1:143"`,
  good: `# on a system with net.ipv4.ip_local_port_range = 32768 60999
worker_connections = 50000
worker_rlimit_nofile = 65536
auth_http = "127.0.0.1:9000/auth"

[[server]]
listen = "127.0.0.1:143"`,
  check: (subject, report) => {
    const { settings: { global }, workers, granted: { ports } } = subject;
    if (ports === null) return;
    const [first, last] = ports;
    const available = last - first + 1;
    // Each relayed session has one connection to its client and one to its backend.
    const sessions = Math.floor(global.worker_connections * workers / 2);
    if (sessions <= available) return;
    report(
      globalPlace(subject, "worker_connections", "worker_processes"),
      `${global.worker_connections} worker_connections of ${workers} ` +
        `worker${workers === 1 ? "" : "s"} allow ${sessions} sessions, but one address of a ` +
        `backend can have ${available} from here, for so many local ports are in ` +
        `net.ipv4.ip_local_port_range (${first} to ${last})`,
      `sysctl -w net.ipv4.ip_local_port_range="1024 65535", or give backends more addresses or ` +
        `ports`,
    );
  },
};
