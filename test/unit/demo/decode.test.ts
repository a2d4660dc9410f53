/** Text as a person reads it: encoded words and transfer encodings. RFC 2047, RFC 2045 section 6. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { encode } from "../../../src/core/bytes.ts";
import { decodeText, decodeWords } from "../../../src/demo/decode.ts";
import { parseMessage } from "../../../src/demo/message.ts";

describe("encoded words", () => {
  const cases: [value: string, text: string][] = [
    ["plain", "plain"],
    ["=?UTF-8?Q?caf=C3=A9_au_lait?=", "café au lait"],
    ["=?utf-8?b?Y2Fmw6k=?=", "café"],
    ["=?ISO-8859-1?Q?caf=E9?= <a@b>", "café <a@b>"],
    ["=?UTF-8?Q?a?= =?UTF-8?Q?b?=", "ab"],
    ["=?UTF-8?Q?a?= and =?UTF-8?Q?b?=", "a and b"],
    ["=?UTF-8*de?Q?a?=", "a"],
    ["=?X-UNKNOWN?Q?a=FF?=", "a\xff"],
    ["=?UTF-8?B?!?=", "!"],
    ["=?UTF-8?Q?open", "=?UTF-8?Q?open"],
    ["raw caf\xc3\xa9", "raw café"],
  ];
  for (const [value, text] of cases) test(value, () => assert.equal(decodeWords(value), text));
});

describe("text parts", () => {
  const cases: [title: string, lines: string[], text: string | null][] = [
    ["are UTF-8 unless they say otherwise", ["", "caf\xc3\xa9"], "café"],
    ["may have a charset", ["Content-Type: text/plain; charset=latin1", "", "caf\xe9"], "café"],
    [
      "may be quoted-printable, with soft line ends",
      ["Content-Transfer-Encoding: Quoted-Printable", "", "ca=", "f=C3=A9=3D"],
      "café=",
    ],
    ["may be base64, in lines", ["Content-Transfer-Encoding: base64", "", "Y2Fm", "w6k="], "café"],
    ["may claim to be base64", ["Content-Transfer-Encoding: base64", "", "not!"], "not!"],
    [
      "may have an unknown charset",
      ["Content-Type: text/x; charset=klingon", "", "Qapla"],
      "Qapla",
    ],
    ["are not images", ["Content-Type: image/png", "", "x"], null],
  ];
  for (const [title, lines, text] of cases) {
    test(title, () => assert.equal(decodeText(parseMessage(encode(lines.join("\r\n")))), text));
  }
});
