/** What every runtime does with the path of a unix socket that it has bound. */

import { chmodSync } from "node:fs";

/**
 * As in nginx whoever reaches the path may connect: who does is up to the folder. The system would
 * leave it to the mask of the process, which nobody chose with clients of other users in mind.
 */
export function openToAll(path: string): void {
  chmodSync(path, 0o666);
}
