/** Exit statuses. 0 and 1 as nginx's; a wrong command line is told apart from a wrong file. */

export const OK = 0;
export const FAILED = 1;
/** Wrong usage, or (for commands that examine a file) a file that cannot be read. */
export const USAGE = 2;
/** What was to be examined could not be reached. */
export const UNREACHABLE = 3;
/** It was reached, and does not keep to its protocol. */
export const BROKEN = 4;
/** A fault of ours: sysexits' EX_SOFTWARE, so that it is not taken for any of the above. */
export const INTERNAL = 70;
/** What a shell reports for a process that SIGINT ended. */
export const INTERRUPTED = 130;
