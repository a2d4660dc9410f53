/** A password from a place that others cannot read: never from the command line itself. */

import { decode, toByteString } from "../core/bytes.ts";
import { FileError } from "../core/errors.ts";
import { Secret } from "../core/secret.ts";
import type { Runtime } from "../net/ports.ts";
import { Misuse } from "./misuse.ts";

export interface PasswordOptions {
  readonly "password-stdin": boolean;
  readonly "password-file": string | undefined;
}

/** From where it was said to be; asks on the terminal when it was said nowhere. Throws a `Misuse`. */
export async function readPassword(
  user: string,
  options: PasswordOptions,
  { host, files }: Runtime,
): Promise<Secret> {
  const file = options["password-file"];
  if (options["password-stdin"] && file !== undefined) {
    throw new Misuse("--password-stdin and --password-file exclude each other");
  }
  if (options["password-stdin"]) return fromBytes(await host.readIn());
  if (file !== undefined) {
    try {
      return fromBytes(files.read(file));
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      throw new Misuse(`Cannot read the password: ${error.message}`);
    }
  }
  const given = host.env("DOORPOST_PASSWORD");
  if (given !== undefined) return new Secret(toByteString(given));
  const typed = await host.askSecret(`Password of ${user}: `);
  if (typed !== null) return new Secret(toByteString(typed));
  throw new Misuse(
    "No password, and no terminal to ask for it",
    "--password-stdin, --password-file or DOORPOST_PASSWORD",
  );
}

/** Without the line end that editors and `echo` put there. */
function fromBytes(bytes: Uint8Array): Secret {
  return new Secret(decode(bytes).replace(/\r?\n$/, ""));
}
