/** A bar on one line of a terminal that is written over, and wiped at the end. */

const BAR = 30;

/** `write` goes to the terminal; where there is none, nothing is shown. */
export function progressOn(
  terminal: boolean,
  total: number,
  write: (text: string) => void,
): (done: number) => void {
  if (!terminal) return () => {};
  let shown = -1;
  return (done) => {
    const filled = Math.floor(BAR * done / total);
    if (done >= total) return write(`\r${" ".repeat(BAR + 30)}\r`);
    if (filled === shown) return;
    shown = filled;
    write(`\r[${"#".repeat(filled)}${" ".repeat(BAR - filled)}] ${done}/${total}`);
  };
}
