/**
 * The house rules that a machine can check: who may import whom, which names stay behind the ports,
 * how long a file and a function may be. The tables below are the rules; `docs/architecture.md` gives
 * the reasons. Widening one is a decision: do it here, openly, with its reason.
 */

import assert from "node:assert/strict";
import { posix } from "node:path";
import { describe, test } from "node:test";
import {
  blank,
  functionsOf,
  type Import,
  importsOf,
  lineAt,
  sourcesBelow,
} from "./support/source.ts";

/** What a folder of `src` may import: a folder, or `folder:types` for `import type` alone. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  core: [],
  net: ["core"],
  wire: ["core"],
  config: ["core", "net"],
  lint: ["core", "net", "config"],
  session: ["core", "wire", "net:types", "config:types"],
  auth: ["core", "net", "session:types", "config:types"],
  runtime: ["core", "net"],
  observe: ["core", "net", "config:types"],
  proxy: ["core", "net", "session", "auth", "observe", "config:types"],
  supervise: ["core", "net", "observe", "proxy", "config:types"],
  probe: ["core", "net", "wire", "session", "auth", "proxy", "config:types"],
  demo: ["core", "net", "wire"],
  cli: [
    ...["core", "net", "wire", "config", "lint", "session", "auth", "observe", "proxy"],
    ...["supervise", "probe", "demo", "#runtime"],
  ],
};

/** Pure helpers over plain data: importing them brings in no socket, so `types` is not asked there. */
const PURE: readonly string[] = ["net/address"];

/** Packages, by folder. Every one of them is code that runs before a client has logged in: few. */
const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  config: ["smol-toml"],
  runtime: ["@peculiar/x509"],
  // `sarif` is types alone; smol-toml reads the cases of `test-auth --suite`.
  cli: ["cac", "picocolors", "sarif", "smol-toml"],
  demo: ["@peculiar/x509", "reflect-metadata"],
};

/** The folders that may name a runtime or its modules; all others go through the ports. */
const OUTSIDE_WORLD: readonly string[] = ["runtime", "cli"];
const RUNTIME_NAMES = /\b(?:Bun|Deno|Buffer|process|require|__dirname|import\.meta)\b/g;

/** Folders without clock, randomness and sockets: equal inputs give equal outputs there. */
const DETERMINISTIC: readonly string[] = ["core", "wire", "session", "config", "lint"];
const WORLD_NAMES =
  /\b(?:setTimeout|setInterval|setImmediate|queueMicrotask|Date|performance|crypto|fetch|WebSocket|Math\.random)\b/g;

const FILE_LINES = 400;
const FUNCTION_LINES = 80;
/** Longer because they are tables of rows, not logic. */
const DATA: readonly string[] = [];

const SRC = sourcesBelow("src");
const ALL = ["src", "test", "mod.ts", "build.ts"].flatMap(sourcesBelow);

describe("imports in src", () => {
  test("there is something to check", () => assert.ok(SRC.length > 0));

  test("every folder has its row", () => {
    const without = SRC.map(({ path }) => folderOf(path)).filter((name) => !(name in MAY_IMPORT));
    assert.deepEqual([...new Set(without)], []);
  });

  test("go only where the table allows", () => {
    assertNone(SRC.flatMap((source) =>
      importsOf(source)
        .filter((each) => !isAllowed(source.path, each))
        .map((each) => `${source.path}:${each.line} imports ${each.from}`)
    ));
  });

  test("carry the extension of the file", () => {
    assertNone(SRC.flatMap((source) =>
      importsOf(source)
        .filter(({ from }) => from.startsWith(".") && !from.endsWith(".ts"))
        .map((each) => `${source.path}:${each.line} imports ${each.from}`)
    ));
  });
});

describe("names in src", () => {
  test("only runtime and cli know the runtimes", () => {
    assertNone(namesFound(RUNTIME_NAMES, (folder) => !OUTSIDE_WORLD.includes(folder)));
  });

  test("the deterministic folders have no clock, randomness or socket", () => {
    assertNone(namesFound(WORLD_NAMES, (folder) => DETERMINISTIC.includes(folder)));
  });

  test("FFI stays in runtime/bun", () => {
    assertNone(
      SRC.filter((source) => importsOf(source).some(({ from }) => from === "bun:ffi"))
        .map(({ path }) => path).filter((path) => !path.startsWith("src/runtime/bun/")),
    );
  });
});

describe("files", () => {
  test(`of src and tools have at most ${FILE_LINES} lines, unless they are data`, () => {
    const sources = [...SRC, ...sourcesBelow("build.ts"), ...sourcesBelow("test/run.ts")];
    assertNone(
      sources.filter(({ path }) => !DATA.includes(path))
        .map(({ path, text }) => ({ path, lines: text.trimEnd().split("\n").length }))
        .filter(({ lines }) => lines > FILE_LINES)
        .map(({ path, lines }) => `${path} has ${lines} lines`),
    );
  });

  test(`have functions of at most ${FUNCTION_LINES} lines`, () => {
    assertNone(
      SRC.flatMap((source) =>
        functionsOf(source).filter(({ lines }) => lines > FUNCTION_LINES)
          .map(({ line, lines }) => `${source.path}:${line} begins a function of ${lines} lines`)
      ),
    );
  });

  test("open with a comment that says what they are", () => {
    assertNone(
      ALL.filter(({ text }) => !/^(?:#!.*\n)?\/(?:\*\*|\/)/.test(text)).map(({ path }) => path),
    );
  });

  test("have no default export", () => {
    assertNone(placesOf(ALL, /\bexport\s+default\b|\bas\s+default\b/g, "code"));
  });

  test("hold no notes about work left undone", () => {
    // Put together, or this line would be the first find.
    assertNone(placesOf(ALL, new RegExp("\\b(?:TO" + "DO|FIX" + "ME|X" + "XX)\\b", "g"), "text"));
  });

  test("are not named after having no subject", () => {
    assertNone(
      ALL.map(({ path }) => path).filter((path) =>
        /\/(?:utils?|helpers?|misc|common)\.ts$/.test(path)
      ),
    );
  });
});

describe("the scanner", () => {
  const scanned = (text: string) => ({ path: "x.ts", text, code: blank(text) });

  test("is not misled by comments, strings and templates", () => {
    const source = scanned(
      '// Bun\nconst a = "Deno"; /* Bun */ const b = `Bun ${a} Bun`;\nBun.x;\n',
    );
    const lines = [...source.code.matchAll(RUNTIME_NAMES)].map((match) =>
      lineAt(source.code, match.index)
    );
    assert.deepEqual(lines, [3]);
  });

  test("sees every form of import", () => {
    const found = importsOf(scanned([
      'import a from "./a.ts";',
      'import type { B } from "./b.ts";',
      'import { type C, type D } from "./c.ts";',
      'import {\n  e,\n} from "./e.ts";',
      'export { f } from "./f.ts";',
      'import "./g.ts";',
      'const h = await import("./h.ts");',
      '// import i from "./i.ts";',
    ].join("\n")));
    assert.deepEqual(
      found.map(({ from, typesOnly }) => [from, typesOnly]),
      [
        ["./a.ts", false],
        ["./b.ts", true],
        ["./c.ts", true],
        ["./e.ts", false],
        ["./f.ts", false],
        ["./g.ts", false],
        ["./h.ts", false],
      ],
    );
  });

  test("measures functions, methods and arrows, and nothing else", () => {
    const found = functionsOf(scanned([
      "function a(x: { y: string }): { z: number } {",
      "  if (x) {",
      "    return { z: 1 };",
      "  }",
      "}",
      "class B {",
      "  c(): Promise<void> {",
      "  }",
      "}",
      "const d = (x = /[{]/) => {",
      "};",
    ].join("\n")));
    assert.deepEqual(found.map(({ line, lines }) => [line, lines]), [[1, 5], [7, 2], [10, 2]]);
  });
});

// --- below --------------------------------------------------------------------------------------

function folderOf(path: string): string {
  return path.split("/")[1] ?? "";
}

function isAllowed(path: string, { from, typesOnly }: Import): boolean {
  const folder = folderOf(path);
  const allowed = MAY_IMPORT[folder] ?? [];
  if (from === "#runtime") return allowed.includes("#runtime");
  if (/^(?:node|bun):|^bun$/.test(from)) return OUTSIDE_WORLD.includes(folder);
  if (!from.startsWith(".")) return (PACKAGES[folder] ?? []).includes(packageOf(from));
  const target = posix.join(posix.dirname(path), from);
  if (!target.startsWith("src/")) return false;
  const to = folderOf(target);
  const pure = PURE.includes(target.slice("src/".length).replace(/\.ts$/, ""));
  return to === folder || allowed.includes(to) ||
    (allowed.includes(`${to}:types`) && (typesOnly || pure));
}

/** `@scope/name/sub` belongs to the package `@scope/name`. */
function packageOf(specifier: string): string {
  return specifier.split("/").slice(0, specifier.startsWith("@") ? 2 : 1).join("/");
}

function namesFound(names: RegExp, inFolder: (folder: string) => boolean): string[] {
  return placesOf(SRC.filter(({ path }) => inFolder(folderOf(path))), names, "code");
}

function placesOf(sources: typeof ALL, pattern: RegExp, kind: "code" | "text"): string[] {
  return sources.flatMap((source) =>
    [...source[kind].matchAll(pattern)].map((match) =>
      `${source.path}:${lineAt(source[kind], match.index)} ${match[0]}`
    )
  );
}

function assertNone(findings: readonly string[]): void {
  assert.deepEqual(findings, []);
}
