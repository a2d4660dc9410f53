/** The kernel grants a shorter backlog than a listener asks for. */

import { BACKLOG } from "../../core/limits.ts";
import { formatEndpoint } from "../../net/address.ts";
import type { Limited } from "../granted.ts";
import type { Rule } from "../rule.ts";

export const backlogCut: Rule<Limited> = {
  id: "backlog-cut",
  severity: "warning",
  title: "the kernel grants a shorter backlog than a listener asks for",
  why: "The backlog is how many clients may wait to be accepted. Linux cuts it silently to " +
    "`net.core.somaxconn`; in a rush of clients, after a restart say, the rest are refused or " +
    "left waiting. Without `backlog=` a listener asks for 511.",
  mend: "Raise the limit, `sysctl -w net.core.somaxconn=...`, and in /etc/sysctl.d for the next " +
    "start; or ask for less.",
  bad: `# on a system with net.core.somaxconn = 4096
auth_http = "127.0.0.1:9000/auth"

[[server]]
listen = "127.0.0.1:143 backlog=8192"`,
  good: `# on a system with net.core.somaxconn = 4096
auth_http = "127.0.0.1:9000/auth"

[[server]]
listen = "127.0.0.1:143 backlog=4096"`,
  check: ({ settings: { servers }, granted: { somaxconn } }, report) => {
    if (somaxconn === null) return;
    const listens = servers.flatMap((server) => server.listen);
    const most = Math.max(0, ...listens.map(({ backlog }) => backlog ?? BACKLOG));
    if (most <= somaxconn) return;
    // One is enough: the remedy for the longest mends them all.
    const longest = listens.find(({ backlog }) => (backlog ?? BACKLOG) === most)!;
    const [at] = longest.at;
    report(
      longest.position,
      `the backlog of ${most} of ${at ? formatEndpoint(at) : "a listener"} is cut to ` +
        `${somaxconn} by net.core.somaxconn`,
      `sysctl -w net.core.somaxconn=${most}`,
    );
  },
};
