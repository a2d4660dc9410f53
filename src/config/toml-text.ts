/** Strings and keys written as TOML. */

/** A basic string: every value can be written as one. */
export function tomlString(text: string): string {
  // JSON's escapes are TOML's, but JSON leaves DEL as it is.
  return JSON.stringify(text).replaceAll("\x7f", "\\u007f");
}

/** A bare key where the characters allow it. */
export function tomlKey(name: string): string {
  return /^[\w-]+$/.test(name) ? name : tomlString(name);
}
