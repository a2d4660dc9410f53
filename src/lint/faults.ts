/** All faults that are no lint rules, and all ids that a finding can have. */

import type { Fault } from "./fault.ts";
import { DIRECTIVES } from "./faults/directives.ts";
import { ONLINE, SERVERS } from "./faults/servers.ts";
import { SYNTAX } from "./faults/syntax.ts";
import { RULES } from "./rules.ts";

/** Faults by what they are about: the form of a file, directives, servers, `--online`. */
export const FAULTS: readonly Fault[] = [...SYNTAX, ...DIRECTIVES, ...SERVERS, ...ONLINE];

/** Every id, for `--rule` and completions. */
export const RULE_IDS: readonly string[] = [...RULES, ...FAULTS].map(({ id }) => id);
