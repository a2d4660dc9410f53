/**
 * Bytes that go from socket to socket inside the kernel, by splice(2) through a pipe: for a stream that
 * comes faster than chunks of it can be shown, copied and written. Linux only.
 *
 * There is one pipe for the whole process. It is empty whenever nothing runs here: what one socket does
 * not take is read back and queued as any other output.
 */

import { POUR_STEP, POUR_TURN } from "../../core/limits.ts";
import { closeDescriptor, type Libc, libc, openPipe, readFrom, splice } from "./libc.ts";

interface Pipe {
  readonly c: Libc;
  readonly out: number;
  readonly in: number;
}

/** Undefined until it is needed, null when there is none to be had. */
let pipe: Pipe | null | undefined;

/**
 * Moves what the descriptor `from` has now to `to`, neither of which may have anything queued elsewhere.
 * @returns bytes that `to` did not take, null when there are none.
 */
export function pour(from: number, to: number): Uint8Array | null {
  const through = pipe === undefined ? pipe = open() : pipe;
  if (!through) return null;
  for (let moved = 0; moved < POUR_TURN;) {
    const taken = splice(through.c, from, through.in, POUR_STEP);
    // Nothing more now, FIN, or an error: whoever reads next finds out which.
    if (taken <= 0) return null;
    const left = empty(through, to, taken);
    if (left > 0) return takeBack(through, left);
    moved += taken;
  }
  return null;
}

/** How much of it stays in the pipe. */
function empty({ c, out }: Pipe, to: number, size: number): number {
  while (size > 0) {
    const given = splice(c, out, to, size);
    if (given <= 0) return size;
    size -= given;
  }
  return 0;
}

function takeBack({ c, out, in: end }: Pipe, size: number): Uint8Array {
  try {
    return readFrom(c, out, size);
  } catch (error) {
    // What stays in it must not come to anybody else.
    closeDescriptor(c, out);
    closeDescriptor(c, end);
    pipe = undefined;
    throw error;
  }
}

function open(): Pipe | null {
  const c = libc();
  const ends = c && openPipe(c, POUR_STEP);
  return c && ends && { c, out: ends[0], in: ends[1] };
}
