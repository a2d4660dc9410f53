/**
 * A syslog daemon's socket, such as /dev/log: unix datagrams come in, one goes out a line. Neither Node
 * nor Deno nor Bun can listen on one, so Perl does, which every Debian has.
 */

import { type Child, findProgram, startChild } from "./process.ts";

const RECEIVER = `
use Socket; $| = 1;
socket(S, AF_UNIX, SOCK_DGRAM, 0) or die $!;
bind(S, sockaddr_un($ARGV[0])) or die $!;
chmod 0666, $ARGV[0];
print "ready\\n";
while (defined recv(S, $_, 65536, 0)) { print "$_\\n" }
`;

/** The program that is needed, for `skipWithout`. */
export const LOG_SOCKET_PROGRAM = "perl";

/** Listens on `path`; what comes is in `output()` and `said`. To be stopped. */
export async function startLogSocket(path: string): Promise<Child> {
  const child = startChild(findProgram(LOG_SOCKET_PROGRAM)!, ["-e", RECEIVER, path]);
  await child.said(/^ready$/m);
  return child;
}
