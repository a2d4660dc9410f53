/**
 * What commands know of the terminal: its width, whether to colour, and where text goes. Results go
 * to standard output, everything said about them to standard error.
 *
 * Colour: `--color` decides; then NO_COLOR (no-color.org: present and not empty) turns it off,
 * FORCE_COLOR on, TERM=dumb off; else each stream has colour when it is a terminal.
 */

import pico from "picocolors";
import type { Colors } from "picocolors/types";
import type { Host } from "../net/ports.ts";
import type { GlobalValues } from "./options.ts";

export interface Terminal {
  readonly columns: number;
  out(text: string): void;
  err(text: string): void;
  /** Colours of the two streams; they add nothing where there is no colour. */
  readonly outColors: Colors;
  readonly errColors: Colors;
}

/** Narrower windows get lines that overflow: nothing readable fits them. */
const LEAST_COLUMNS = 40;

export function openTerminal(host: Host, color: NonNullable<GlobalValues["color"]>): Terminal {
  return {
    columns: Math.max(LEAST_COLUMNS, host.columns),
    out: (text) => host.writeOut(text),
    err: (text) => host.writeErr(text),
    outColors: pico.createColors(isColoured(host, "stdout", color)),
    errColors: pico.createColors(isColoured(host, "stderr", color)),
  };
}

function isColoured(
  host: Host,
  stream: "stdout" | "stderr",
  color: GlobalValues["color"],
): boolean {
  if (color === "always") return true;
  if (color === "never" || host.env("NO_COLOR")) return false;
  const forced = host.env("FORCE_COLOR");
  if (forced) return forced !== "0" && forced !== "false";
  return host.env("TERM") !== "dumb" && host.isTerminal(stream);
}

/** What to know of, though it keeps nothing from working. */
export function caution(terminal: Terminal, message: string): void {
  terminal.err(`doorpost: ${terminal.errColors.yellow("warning:")} ${message}\n`);
}

/** One sentence of a command about itself, on standard error. */
export function complain(terminal: Terminal, message: string, hint = ""): void {
  const { errColors: colors } = terminal;
  const more = hint === "" ? "" : `${colors.cyan("hint:")} ${hint}\n`;
  terminal.err(`doorpost: ${colors.red("error:")} ${message}\n${more}`);
}
