/** All faults that are no lint rules, and all ids that a finding can have. */

import type { Fault } from "./fault.ts";
import { DIRECTIVES } from "./faults/directives.ts";
import { ONLINE, SERVERS } from "./faults/servers.ts";
import { SYNTAX } from "./faults/syntax.ts";
import { RULES } from "./rules.ts";

export const FAULTS: readonly Fault[] = [...SYNTAX, ...DIRECTIVES, ...SERVERS, ...ONLINE];

export const RULE_IDS: readonly string[] = [...RULES, ...FAULTS].map(({ id }) => id);
