/**
 * How text lies on a terminal: each character takes no, one or two cells, a tab goes to the next stop,
 * and a control character is shown as U+FFFD, so that a file cannot steer the terminal it is shown on.
 */

const TAB = 4;

export interface Cell {
  readonly text: string;
  readonly width: number;
  /** UTF-16 units of the character in the file, which is what columns count. */
  readonly units: number;
}

/** One entry for each character (code point) of a line. */
export function cellsOf(line: string): Cell[] {
  let at = 0;
  return Array.from(line, (char) => {
    const cell = char === "\t"
      ? tab(at)
      : { text: shown(char), width: widthOf(char), units: char.length };
    at += cell.width;
    return cell;
  });
}

function tab(at: number): Cell {
  const width = TAB - at % TAB;
  return { text: " ".repeat(width), width, units: 1 };
}

/** Text without control characters, for messages that quote a file. */
export function visible(text: string): string {
  return Array.from(text, shown).join("");
}

function shown(char: string): string {
  // C0, DEL, C1, and the bidirectional controls that make text read other than it is ("Trojan Source").
  // deno-lint-ignore no-control-regex
  return /[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]/.test(char) ? "\ufffd" : char;
}

export function widthOf(char: string): number {
  if (/\p{Mark}|[\u200b-\u200d\ufe0f]/u.test(char)) return 0;
  return isWide(char.codePointAt(0)!) ? 2 : 1;
}

/** East Asian wide and fullwidth ranges (UAX 11), and emoji, in the coarse form that suffices here. */
const WIDE: readonly (readonly [number, number])[] = [
  [0x1100, 0x115f],
  [0x2e80, 0x303e],
  [0x3041, 0xa4cf],
  [0xac00, 0xd7a3],
  [0xf900, 0xfaff],
  [0xfe30, 0xfe6f],
  [0xff01, 0xff60],
  [0xffe0, 0xffe6],
  [0x1f300, 0x1f64f],
  [0x1f680, 0x1f6ff],
  [0x1f900, 0x1f9ff],
  [0x20000, 0x3fffd],
];

function isWide(code: number): boolean {
  return code >= 0x1100 && WIDE.some(([first, last]) => code >= first && code <= last);
}
