/** The command line: what is understood, kept raw, and refused with a hint. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { readArgs } from "../../../src/cli/args.ts";
import { COMMANDS } from "../../../src/cli/options.ts";

const LISTED = `the commands are ${COMMANDS.map(({ name }) => name).join(", ")}`;

const SERVE = {
  config: undefined,
  syntax: undefined,
  demo: false,
  "demo-port-base": undefined,
  init: undefined,
};
const CHECK = {
  config: undefined,
  syntax: undefined,
  strict: false,
  rule: [],
  "skip-rule": [],
  online: false,
  format: undefined,
  print: undefined,
  schema: false,
};

const UNDERSTOOD: readonly [string, string, Record<string, unknown>, readonly string[]][] = [
  ["serve", "serve", SERVE, []],
  ["serve --config a.toml", "serve", { ...SERVE, config: "a.toml" }, []],
  ["serve --config=a.toml", "serve", { ...SERVE, config: "a.toml" }, []],
  ["serve --config=", "serve", { ...SERVE, config: "" }, []],
  ["serve --config=a=b", "serve", { ...SERVE, config: "a=b" }, []],
  ["serve -c a.toml", "serve", { ...SERVE, config: "a.toml" }, []],
  ["serve -ca.toml", "serve", { ...SERVE, config: "a.toml" }, []],
  ["serve --demo", "serve", { ...SERVE, demo: true }, []],
  ["serve --demo --demo", "serve", { ...SERVE, demo: true }, []],
  ["serve --demo-port-base 0", "serve", { ...SERVE, "demo-port-base": 0 }, []],
  ["serve --demo-port-base=02000", "serve", { ...SERVE, "demo-port-base": 2000 }, []],
  ["serve --syntax nginx -c x", "serve", { ...SERVE, config: "x", syntax: "nginx" }, []],
  ["--color never serve", "serve", SERVE, []],
  // cac would make numbers of these, or take them for options
  ["serve --config 0123", "serve", { ...SERVE, config: "0123" }, []],
  ["serve --config 007", "serve", { ...SERVE, config: "007" }, []],
  ["serve --config -", "serve", { ...SERVE, config: "-" }, []],
  ["serve --config=--demo", "serve", { ...SERVE, config: "--demo" }, []],
  ["check-config 0123", "check-config", CHECK, ["0123"]],
  ["check-config -", "check-config", CHECK, ["-"]],
  ["check-config -- --demo", "check-config", CHECK, ["--demo"]],
  ["check-config -- --", "check-config", CHECK, ["--"]],
  ["-- check-config x", "check-config", CHECK, ["x"]],
  ["check-config a b", "check-config", CHECK, ["a", "b"]],
  ["check-config --rule a --rule=b x", "check-config", { ...CHECK, rule: ["a", "b"] }, ["x"]],
  ["check-config a.toml --syntax toml", "check-config", { ...CHECK, syntax: "toml" }, ["a.toml"]],
];

for (const [line, name, values, operands] of UNDERSTOOD) {
  test(`understood: ${line}`, () => {
    const request = readArgs(line.split(" "));
    assert.equal(request.is, "command");
    if (request.is !== "command") return;
    assert.deepEqual([request.name, request.values, request.operands], [name, values, operands]);
  });
}

const WRONG: readonly [string, string, string][] = [
  ["", "No command given", LISTED],
  ["--color always", "No command given", LISTED],
  ["serv", 'Unknown command "serv"', 'did you mean "serve"?'],
  ["check_config x", 'Unknown command "check_config"', 'did you mean "check-config"?'],
  ["frobnicate", 'Unknown command "frobnicate"', LISTED],
  ["constructor", 'Unknown command "constructor"', LISTED],
  ["007", 'Unknown command "007"', LISTED],
  ["serve --confg a", 'Unknown option "--confg"', 'did you mean "--config"?'],
  ["serve --xyzzyplugh", 'Unknown option "--xyzzyplugh"', ""],
  ["serve --__proto__", 'Unknown option "--__proto__"', ""],
  ["serve --no-demo", 'Unknown option "--no-demo"', 'did you mean "--demo"?'],
  ["serve -x", 'Unknown option "-x"', ""],
  ["check-config --demo", 'Unknown option "--demo"', ""],
  [
    "--demo serve",
    'Unknown option "--demo"',
    "options follow the command: doorpost serve --demo",
  ],
  ["serve --config", "Option --config needs a value: FILE", ""],
  [
    "serve --config --demo",
    "Option --config needs a value: FILE",
    'for the value "--demo" write --config=--demo',
  ],
  ["serve --demo=yes", "Option --demo takes no value", ""],
  ["serve -c a --config b", "Option --config is given twice", ""],
  [
    "serve --syntax ngnix",
    'Option --syntax cannot be "ngnix": it is one of toml, nginx',
    'did you mean "nginx"?',
  ],
  ["serve --color=red", 'Option --color cannot be "red": it is one of auto, always, never', ""],
  [
    "serve --demo-port-base=1e3",
    'Option --demo-port-base cannot be "1e3": it is 0 to 64540',
    "",
  ],
  [
    "serve --demo-port-base 64541",
    'Option --demo-port-base cannot be "64541": it is 0 to 64540',
    "",
  ],
  ["probe imap://a --timeout 2x", 'Option --timeout cannot be "2x": it is 1ms to 10m', ""],
  ["probe imap://a --timeout 0", 'Option --timeout cannot be "0": it is 1ms to 10m', ""],
  ["probe imap://a --watch 500ms", 'Option --watch cannot be "500ms": it is 1s to 1d', ""],
  ["serve extra", 'Unexpected argument "extra"', ""],
  ["help", 'Unknown command "help"', "doorpost --help, or doorpost COMMAND --help"],
  [
    "test-auth --password x",
    'Unknown option "--password"',
    'did you mean "--password-stdin" or "--password-file"?',
  ],
  [
    "probe --pasword x",
    'Unknown option "--pasword"',
    'did you mean "--password-stdin" or "--password-file"?',
  ],
];

for (const [line, message, hint] of WRONG) {
  test(`wrong: ${line || "(nothing)"}`, () => {
    const request = readArgs(line === "" ? [] : line.split(" "));
    assert.equal(request.is, "wrong");
    if (request.is !== "wrong") return;
    assert.deepEqual([request.message, request.hint], [message, hint]);
  });
}

const ABOUT: readonly [string, "help" | "version", string | null][] = [
  ["--help", "help", null],
  ["-h", "help", null],
  ["serve --help", "help", "serve"],
  ["--help serve", "help", "serve"],
  ["check-config a b c -h", "help", "check-config"],
  ["--version", "version", null],
  ["serve -V", "version", null],
  ["-hV", "help", null],
];

for (const [line, is, command] of ABOUT) {
  test(`${is}: ${line}`, () => {
    const request = readArgs(line.split(" "));
    assert.equal(request.is, is);
    if (request.is === "help") assert.equal(request.command?.name ?? null, command);
  });
}

const TIMES: readonly [string, number][] = [
  ["7", 7_000],
  ["500ms", 500],
  ["10s", 10_000],
  ["1m30s", 90_000],
  ["10m", 600_000],
];
for (const [time, ms] of TIMES) {
  test(`--timeout ${time} is ${ms} milliseconds, of probe and test-auth alike`, () => {
    for (const command of ["probe", "test-auth"]) {
      const request = readArgs([command, "--timeout", time]);
      assert.equal(request.is === "command" && request.values["timeout"], ms);
    }
  });
}

test("colour is known even when the rest is wrong", () => {
  assert.equal(readArgs(["--color", "always", "serv"]).color, "always");
  assert.equal(readArgs(["serve", "--xyzzyplugh", "--color=never"]).color, "never");
  assert.equal(readArgs(["check-config", "--", "--color=never"]).color, "auto");
  assert.equal(readArgs([]).color, "auto");
});
