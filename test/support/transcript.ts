/**
 * Transcripts: the readable spec of behaviour. A file holds cases; a case is a title, the settings of
 * one server in TOML (`auth_http` and `listen` are added), and a dialogue:
 *
 *     === LOGIN by literals
 *     protocol = "imap"
 *     ---
 *     S: * OK IMAP4 ready
 *     C: a LOGIN {4}
 *     S: + OK
 *     C: user pass
 *     A> Auth-User: user
 *     A< OK
 *     B< * OK hello
 *     B> a LOGIN "user" "pass"
 *     B< a OK done
 *     S: a OK done
 *
 * | line      | meaning                                                                            |
 * |-----------|------------------------------------------------------------------------------------|
 * | `C: text` | the client sends text and CR LF; neighbouring C lines leave in one write           |
 * | `C\| text` | the same without CR LF; `\r` `\n` `\0` `\\` `\s` `\xHH` are escapes in every line  |
 * | `S: text` | the client receives exactly this and CR LF; `S\|` without                          |
 * | `A> H: v` | the auth request has this header line; `A> !H` lacks it; `A> GET …` its first line  |
 * | `A= line` | neighbouring A= lines are the whole auth request, in this order                    |
 * | `A< H: v` | the auth server answers these header lines; `A< OK` names the test's backend       |
 * | `A\| raw`  | the auth server answers these bytes instead                                        |
 * | `B< text` | the backend sends; `B\|` without CR LF                                              |
 * | `B> text` | the backend receives exactly this                                                  |
 * | `X: -eof` | X (C or B) sends FIN; `S: -eof` and `B> -eof` are the FIN that they must see       |
 * | `S: -gone` | the client sees FIN or a reset                                                    |
 * | `A< -eof`, `A< -hang` | the auth server closes without an answer, or never answers             |
 * | `A< -refuse`, `B< -refuse` | nobody listens where the auth server, or the backend, should be   |
 * | `TLS`     | the client upgrades                                                                |
 * | `T: 3s`   | time passes (real time against a process: see `slow`)                              |
 * | `L: text` | a log line has this in it; `L! text`: none has, up to here                         |
 * | `L= text` | a log line is exactly this, from its `[level]`, without pid and connection number  |
 * | `D: PTR 127.0.0.1 host` | above the `---`: what the name server answers (`zone.ts`); `$DNS` is it |
 * | `# text`  | a comment                                                                          |
 *
 * `$SALT` stands for the salt of this connection and `$SALT64` for its base64, once seen; `$HOST` and
 * `$PORT` for the backend, `$AUTH`, `$LISTEN` and `$CLIENT` for the ports of auth server, proxy and
 * client, `$PROTOCOL` and `$CIPHER` for what TLS has agreed on.
 *
 * The same cases are played against nginx. A line that begins `ours ` is not for nginx, one that begins
 * `nginx ` is for it alone. Tags say why, and what a case needs:
 *
 * | tag               | meaning                                                                    |
 * |-------------------|----------------------------------------------------------------------------|
 * | `@ differs:ID`    | shows a deliberate difference from nginx, a row of docs/differences.md     |
 * | `@ nginx-1.22:ID` | the same for the release that the tests find installed: later ones do as we do |
 * | `@ ours`          | needs a directive that nginx does not have                                 |
 * | `@ slow`          | needs a fake clock, or patience                                            |
 * | `@ net`           | needs sockets                                                              |
 * | `@ whole`         | what leaves in one write must arrive in one piece                          |
 * | `@ listen:WORD`   | the listener has this parameter, `ssl` or `proxy_protocol`                 |
 */

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type ByteString, decode } from "../../src/core/bytes.ts";
import { ROOT } from "./source.ts";

export interface Transcript {
  readonly file: string;
  readonly title: string;
  readonly line: number;
  readonly tags: readonly string[];
  /** TOML of a server block; without `listen`, and mostly without `auth_http`. */
  readonly settings: string;
  /** `PTR 127.0.0.1 host` and the like. */
  readonly zone: readonly ByteString[];
  readonly steps: readonly Step[];
}

export interface Step {
  readonly line: number;
  readonly kind: string;
  readonly text: ByteString;
}

/** Whose behaviour the steps are. */
export type Side = "ours" | "nginx";

export function loadTranscripts(
  side: Side = "ours",
  folder: string = join(ROOT, "test/transcripts"),
): Transcript[] {
  return readdirSync(folder).filter((name) => name.endsWith(".txt")).sort().flatMap((name) =>
    parse(name, readFileSync(join(folder, name), "utf8"), side)
  );
}

/** What stands behind `NAME:` in tags. */
export function tagged({ tags }: Transcript, name: string): string[] {
  return tags.filter((tag) => tag.startsWith(`${name}:`)).map((tag) => tag.slice(name.length + 1));
}

/** Whether it can be played only where there are sockets. */
export function needsSockets(transcript: Transcript): boolean {
  return transcript.tags.includes("net") || transcript.zone.length > 0 ||
    tagged(transcript, "listen").length > 0;
}

interface Draft {
  readonly title: string;
  readonly line: number;
  readonly tags: string[];
  readonly head: string[];
  readonly zone: ByteString[];
  readonly steps: Step[];
}

function parse(file: string, text: string, side: Side): Transcript[] {
  const found: Draft[] = [];
  let body = false;
  for (const [i, source] of text.split("\n").entries()) {
    const current = found.at(-1);
    if (source.startsWith("=== ")) {
      const title = source.slice(4);
      found.push({ title, line: i + 1, tags: [], head: [], zone: [], steps: [] });
      body = false;
    } else if (!current || source.startsWith("#") || source.trim() === "") continue;
    else if (source.startsWith("@ ")) current.tags.push(...source.slice(2).split(" "));
    else if (source === "---") body = true;
    else {
      const [, whose, line] = /^(?:(ours|nginx) )?(.*)$/.exec(source)!;
      if (whose !== undefined && whose !== side) continue;
      if (body) current.steps.push(...parseStep(file, i + 1, line, side));
      else if (line.startsWith("D: ")) current.zone.push(unescape(line.slice(3)));
      else current.head.push(line);
    }
  }
  return found.map(({ head, ...rest }) => ({ file, ...rest, settings: head.join("\n") }));
}

function parseStep(file: string, line: number, source: string, side: Side): Step[] {
  if (source === "TLS") return [{ line, kind: "TLS", text: "" }];
  const match = /^([CSABTL][:|<>!=])(?: (.*))?$/.exec(source);
  if (!match) throw new Error(`${file}:${line}: not a transcript line: ${source}`);
  const step = { line, kind: match[1], text: unescape(match[2] ?? "") };
  return side === "nginx" ? asNginxSays(step) : [step];
}

/**
 * nginx logs in to IMAP backends by literals, always. This one difference (imap-quoted-login) would
 * stand in every case: it is spelt out in one and translated in the others.
 */
function asNginxSays(step: Step): Step[] {
  const login = /^(\S+) LOGIN "([^"]*)" "([^"]*)"$/.exec(step.text);
  if (step.kind !== "B>" || login === null) return [step];
  const [, tag, user, password] = login;
  const { line } = step;
  return [
    { line, kind: "B>", text: `${tag} LOGIN {${user.length}}` },
    { line, kind: "B<", text: "+ go on" },
    { line, kind: "B>", text: `${user} {${password.length}}` },
    { line, kind: "B<", text: "+ go on" },
    { line, kind: "B>", text: password },
  ];
}

function unescape(text: string): ByteString {
  const bytes = decode(new TextEncoder().encode(text));
  return bytes.replace(/\\(?:x([0-9a-fA-F]{2})|(.))/g, (_, hex: string, char: string) => {
    if (hex) return String.fromCharCode(parseInt(hex, 16));
    const known: Record<string, string> = { r: "\r", n: "\n", "0": "\0", "\\": "\\", s: " " };
    return known[char] ?? `\\${char}`;
  });
}
