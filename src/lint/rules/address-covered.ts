/** A listener covers the address of another. */

import { formatEndpoint } from "../../net/address.ts";
import type { Rule } from "../rule.ts";

export const addressCovered: Rule = {
  id: "address-covered",
  severity: "error",
  title: "a listener covers the address of another",
  why: "`[::]:PORT ipv6only=off` takes IPv4 connections as well, so `0.0.0.0:PORT` beside it " +
    "cannot be bound: one of the two servers would never see a client.",
  mend: "Leave `ipv6only` on (the default), and listen on both families where both are wanted.",
  bad: `auth_http = "127.0.0.1:9000/auth"
server_name = "mail.example.com"

[[server]]
listen = ["[::]:143 ipv6only=off", "0.0.0.0:143"]`,
  good: `auth_http = "127.0.0.1:9000/auth"
server_name = "mail.example.com"

[[server]]
listen = ["[::]:143", "0.0.0.0:143"]`,
  check: ({ settings }, report) => {
    const listens = settings.servers.flatMap((server) => server.listen);
    const dual = listens.filter((listen) => !listen.ipv6only).flatMap((listen) =>
      listen.at.flatMap((at) => at.is === "ip" && at.address === "::" ? [at.port] : [])
    );
    for (const { at, position } of listens) {
      for (const endpoint of at) {
        if (endpoint.is !== "ip" || endpoint.address.includes(":")) continue;
        if (!dual.includes(endpoint.port)) continue;
        const covered = formatEndpoint(endpoint);
        report(position, `${covered} is covered by [::]:${endpoint.port} with ipv6only=off`);
      }
    }
  },
};
