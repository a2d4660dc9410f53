/**
 * The program behind the contract's test of descriptor exhaustion, run under a low limit of open files.
 * It listens, prints `ready PORT`, echoes lines, and answers commands on any connection:
 * `count` (connections open now), `cpu` (milliseconds used), `dial` (the outcome of one connect).
 */

import { runtime } from "#runtime";
import { decode, encode } from "../../src/core/bytes.ts";
import type { NetError } from "../../src/core/errors.ts";
import { ip } from "../../src/net/address.ts";
import type { Connection } from "../../src/net/ports.ts";

let open = 0;

const listener = await runtime.listen(ip("127.0.0.1", 0), {}, serve);
runtime.host.writeOut(`ready ${listener.at.is === "ip" ? listener.at.port : 0}\n`);

function serve(connection: Connection): void {
  open++;
  let held = "";
  connection.receiver = {
    data: (bytes) => {
      held += decode(bytes);
      const lines = held.split("\n");
      held = lines.pop() ?? "";
      for (const line of lines) {
        void answer(line).then((text) => connection.write(encode(`${text}\n`)));
      }
    },
    drain: () => {},
    end: () => connection.end(),
    close: () => void open--,
  };
}

async function answer(line: string): Promise<string> {
  if (line === "count") return String(open);
  if (line === "cpu") {
    const { user, system } = process.cpuUsage();
    return String(Math.round((user + system) / 1000));
  }
  return line === "dial" ? await dial() : line;
}

/** `open`, or the code of the error; what must not happen is a crash or no answer. */
function dial(): Promise<string> {
  return new Promise((resolve) => {
    const connection = runtime.connect(listener.at, {}, {
      open: () => {
        resolve("open");
        connection.destroy();
      },
      data: () => {},
      drain: () => {},
      end: () => {},
      close: (error: NetError | null) => resolve(error?.code ?? "closed"),
    });
  });
}
