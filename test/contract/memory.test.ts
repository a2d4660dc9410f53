/** The memory runtime keeps the contract, so that what tests show over it holds elsewhere. */

import { createMemoryRuntime } from "../../src/runtime/memory.ts";
import { contract } from "./body.ts";

const CLOCK = "the clock stands still until a test moves it";
const FOREIGN = "it needs a peer outside the runtime";

const without = {
  "clock: after() fires once, not early, in order of time": CLOCK,
  "clock: a cancelled timer does not fire, cancelling twice is once": CLOCK,
  "datagrams, IPv4: sent, answered, and from whom": FOREIGN,
  "datagrams, IPv6: sent, answered, and from whom": FOREIGN,
  "datagrams, unix: supports() says what is so": FOREIGN,
  "TLSv1.2: resumed is what the client says, and tickets do it": FOREIGN,
  "TLSv1.3: resumed is what the client says, and tickets do it": FOREIGN,
  "sessionTickets false: TLS 1.2 is not resumed": FOREIGN,
  "descriptors run out: no crash, no spinning, recovery": "it has no descriptors",
};

const window = 256 * 1024;
const files = { "/tmp/x": "" };

contract(createMemoryRuntime({ now: Date.now(), files }), { folder: "/tmp", window, without });
