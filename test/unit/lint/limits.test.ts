/** Limits of the system: from which number on they are too low, with which numbers, and what to do. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { createMemoryRuntime } from "../../../src/runtime/memory.ts";
import { type Granted, grantedBy } from "../../../src/lint/granted.ts";
import { lint } from "../../../src/lint/rule.ts";
import { LIMIT_RULES } from "../../../src/lint/rules.ts";
import type { Settings } from "../../../src/config/settings.ts";
import { settingsOf } from "../../support/settings.ts";

const PLENTY: Granted = {
  openFiles: 1_000_000,
  somaxconn: 4096,
  ports: [32_768, 60_999],
  fixedFiles: null,
  alone: null,
};

/** `listen`, directives, workers, what the system grants; patterns of the warnings. */
const CASES: readonly (readonly [
  name: string,
  toml: string,
  workers: number,
  granted: Partial<Granted>,
  warnings: readonly RegExp[],
])[] = [
  ["defaults on a usual system", "", 1, { openFiles: 1024 }, []],
  ["nothing is known", "worker_connections = 1000000", 1, {
    openFiles: null,
    somaxconn: null,
    ports: null,
  }, []],
  ["open files: enough to the last", "worker_connections = 967", 1, { openFiles: 1000 }, []],
  ["open files: one too few", "worker_connections = 968", 1, { openFiles: 1000 }, [
    /^the limit of open files is 1000, too low for 968 worker_connections, which need 1001: set worker_rlimit_nofile to 1001, or start with ulimit -n 1001 \(LimitNOFILE=1001 under systemd\)$/,
  ]],
  ["the directive counts, not what it was before", "worker_rlimit_nofile = 2000", 1, {
    openFiles: 100,
  }, []],
  [
    "the directive is too low itself",
    "worker_rlimit_nofile = 100",
    1,
    {},
    [/^worker_rlimit_nofile is 100, too low for 512 worker_connections, which need 545:/],
  ],
  ["the directive has no effect here", "worker_rlimit_nofile = 2000", 1, {
    openFiles: 100,
    fixedFiles: "Nowhere cannot",
  }, [
    /^worker_rlimit_nofile has no effect: Nowhere cannot$/,
    /^the limit of open files is 100, .* need 545: start with ulimit -n 545 /,
  ]],
  ["auto cannot be more than one here", 'worker_processes = "auto"', 1, {
    alone: "Nowhere has one process",
  }, [/^worker_processes auto starts a single process: Nowhere has one process$/]],
  ["backlog: the default is cut", "", 1, { somaxconn: 128 }, [
    /^the backlog of 511 of 127\.0\.0\.1:143 is cut to 128 by net\.core\.somaxconn: sysctl -w net\.core\.somaxconn=511$/,
  ]],
  ["ports: one worker", "worker_connections = 60000", 1, {}, [
    /^60000 worker_connections of 1 worker allow 30000 sessions, but one address of a backend can have 28232 from here, .*\(32768 to 60999\): sysctl -w net\.ipv4\.ip_local_port_range="1024 65535"/,
  ]],
  ["ports: workers share them", "worker_connections = 20000", 4, {}, [
    /^20000 .* of 4 workers allow 40000 /,
  ]],
  ["ports: just enough", "worker_connections = 56464", 1, {}, []],
];

function found(settings: Settings, workers: number, granted: Granted) {
  return lint(LIMIT_RULES, { settings, workers, granted, file: "test.toml" });
}

/** As `serve` says it. */
function advise(settings: Settings, workers: number, granted: Granted): readonly string[] {
  return found(settings, workers, granted).map(({ message, hint }) =>
    hint === undefined ? message : `${message}: ${hint}`
  );
}

describe("limits that are too low", () => {
  for (const [name, toml, workers, granted, warnings] of CASES) {
    test(name, () => {
      const settings = settingsOf(
        `${toml}\nauth_http = "127.0.0.1:9/"\n[[server]]\nlisten = "127.0.0.1:143"`,
      );
      const said = advise(settings, workers, { ...PLENTY, ...granted });
      assert.equal(said.length, warnings.length, said.join("\n"));
      said.forEach((sentence, i) => assert.match(sentence, warnings[i]));
    });
  }

  test("a listener's own backlog is named with its address", () => {
    const settings = settingsOf(
      `auth_http = "127.0.0.1:9/"\n[[server]]\nlisten = ["143", "[::1]:993 backlog=8192"]\nprotocol = "imap"`,
    );
    assert.match(
      advise(settings, 1, PLENTY)[0],
      /^the backlog of 8192 of \[::1\]:993 is cut to 4096 /,
    );
  });
});

describe("the place", () => {
  const of = (toml: string, granted: Partial<Granted>) => {
    const settings = settingsOf(
      `${toml}\nauth_http = "127.0.0.1:9/"\n[[server]]\nlisten = "127.0.0.1:143"`,
    );
    const [{ at, rule }] = found(settings, 1, { ...PLENTY, ...granted });
    return `${at.line}:${at.column} ${rule}`;
  };
  const TABLE: readonly (readonly [toml: string, granted: Partial<Granted>, place: string])[] = [
    ["\nworker_connections = 2000", { openFiles: 1024 }, "2:1 open-files"],
    ["worker_connections = 9\nworker_rlimit_nofile = 5", {}, "2:1 open-files"],
    ["", { openFiles: 100 }, "0:0 open-files"],
    ["worker_rlimit_nofile = 9999\nworker_connections = 99999", { openFiles: 9 }, "1:1 open-files"],
    ["", { somaxconn: 100 }, "4:11 backlog-cut"],
    ["worker_connections = 9000", { ports: [1, 9], openFiles: null }, "1:1 local-ports"],
    ['worker_processes = "auto"', { alone: "no" }, "1:1 unsupported-here"],
  ];
  for (const [toml, granted, place] of TABLE) {
    test(`${place} for ${JSON.stringify(toml)}`, () => assert.equal(of(toml, granted), place));
  }
});

describe("what the system grants", () => {
  const PROC = {
    "/proc/sys/net/core/somaxconn": "4096\n",
    "/proc/sys/net/ipv4/ip_local_port_range": "32768\t60999\n",
  };
  test("is read from the kernel", () => {
    assert.deepEqual(grantedBy(createMemoryRuntime({ files: PROC })), {
      openFiles: 1024,
      somaxconn: 4096,
      ports: [32_768, 60_999],
      fixedFiles: "The memory runtime has no descriptors",
      alone: "The memory runtime has no processes",
    });
  });

  test("is not known elsewhere", () => {
    const files = { "/proc/sys/net/core/somaxconn": "many" };
    const { somaxconn, ports } = grantedBy(createMemoryRuntime({ files }));
    assert.deepEqual([somaxconn, ports], [null, null]);
  });
});
