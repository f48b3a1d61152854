import { assertEquals, assertNotEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { HarnessError } from "../../../core/errors.ts";
import {
  type CodeIdentity,
  codeIdentity,
  type ModuleGraph,
} from "../../../core/experiment/code_identity.ts";

const ROOT = "file:///repo/";

/** In the form that `deno info --json` prints (Deno 2.9). */
const GRAPH: ModuleGraph = {
  roots: ["file:///repo/a.ts"],
  modules: [
    {
      kind: "esm",
      specifier: "file:///repo/a.ts",
      dependencies: [
        { specifier: "@std/yaml", code: { specifier: "npm:deno-std@1.4.0/yaml/mod.js" } },
        { specifier: "./x.wgsl", code: { specifier: "file:///repo/x.wgsl" } },
        { specifier: "./types.ts" },
        { specifier: "./b.ts", code: { specifier: "file:///repo/b.ts" } },
        { specifier: "node:crypto", code: { specifier: "node:crypto" } },
      ],
    },
    { kind: "esm", specifier: "file:///repo/b.ts" },
    { kind: "esm", specifier: "file:///repo/types.ts" },
    { kind: "external", specifier: "file:///repo/x.wgsl" },
    { kind: "npm", specifier: "npm:/deno-std@1.4.0/yaml/mod.js", npmPackage: "deno-std@1.4.0" },
  ],
  redirects: { "npm:deno-std@1.4.0/yaml/mod.js": "npm:/deno-std@1.4.0/yaml/mod.js" },
  npmPackages: {
    "deno-std@1.4.0": { dependencies: ["inner@1.0.0"] },
    "inner@1.0.0": { dependencies: ["deno-std@1.4.0"] },
    "vega@6.4.0": { dependencies: [] },
  },
};

const LOCK = {
  npm: {
    "deno-std@1.4.0": { integrity: "sha512-a" },
    "inner@1.0.0": { integrity: "sha512-b" },
    "vega@6.4.0": { integrity: "sha512-c" },
  },
};

const FILES: Readonly<Record<string, string>> = {
  "a.ts": "a\nb\n",
  "b.ts": "b",
  "x.wgsl": "fn main() {}\n",
  "types.ts": "export type T = 1;",
};

function identify(
  change: {
    files?: Readonly<Record<string, string>>;
    lock?: typeof LOCK;
    graph?: ModuleGraph;
    root?: string;
  } = {},
): CodeIdentity {
  const { files = FILES, lock = LOCK, graph = GRAPH, root = ROOT } = change;
  return codeIdentity(graph, {
    root,
    lock,
    readBytes: (url) => new TextEncoder().encode(files[url.slice(root.length)]),
  });
}

Deno.test("codeIdentity() lists local modules, shader texts and packages in reach", () => {
  const { files, packages } = identify();
  assertEquals(Object.keys(files).sort(), ["a.ts", "b.ts", "x.wgsl"]);
  assertEquals(packages, { "deno-std@1.4.0": "sha512-a", "inner@1.0.0": "sha512-b" });
  // printf b | sha256sum
  assertEquals(files["b.ts"], "3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d");
});

Deno.test("codeIdentity() changes with a byte of a module or shader and with a package", () => {
  const { digest } = identify();
  const changes = [
    { files: { ...FILES, "b.ts": "c" } },
    { files: { ...FILES, "x.wgsl": "fn main() { }\n" } },
    { lock: { npm: { ...LOCK.npm, "inner@1.0.0": { integrity: "sha512-z" } } } },
  ];
  for (const change of changes) assertNotEquals(identify(change).digest, digest);
});

Deno.test("codeIdentity() stays for CRLF checkouts, other folders, types and unused packages", () => {
  const { digest } = identify();
  const moved: ModuleGraph = JSON.parse(JSON.stringify(GRAPH).replaceAll("/repo/", "/other/"));
  const changes = [
    { files: { ...FILES, "a.ts": "a\r\nb\r\n" } },
    { files: { ...FILES, "types.ts": "export type T = 2;" } },
    { lock: { npm: { ...LOCK.npm, "vega@6.4.0": { integrity: "sha512-z" } } } },
    { graph: moved, root: "file:///other/" },
  ];
  for (const change of changes) assertEquals(identify(change).digest, digest);
  assertNotEquals(identify({ files: { ...FILES, "a.ts": "a\rb\n" } }).digest, digest);
});

Deno.test("codeIdentity() refuses code that it cannot identify", () => {
  const edited = (find: string, replacement: string): ModuleGraph =>
    JSON.parse(JSON.stringify(GRAPH).replaceAll(find, replacement));
  const cases: readonly (readonly [Parameters<typeof identify>[0], string])[] = [
    [{ graph: edited("file:///repo/b.ts", "file:///elsewhere/b.ts") }, "expected a file under"],
    [{ graph: edited("file:///repo/b.ts", "https://example.org/b.ts") }, "expected a file under"],
    [{ lock: { npm: {} } as typeof LOCK }, "deno.lock has no integrity for it"],
    [{ graph: { ...GRAPH, modules: GRAPH.modules.slice(0, 1) } }, "it is not in the module graph"],
  ];
  for (const [change, reason] of cases) {
    assertStringIncludes(assertThrows(() => identify(change), HarnessError).message, reason);
  }
});

Deno.test("codeIdentity() reads what deno info --json prints for this repository", () => {
  const root = new URL("../../../", import.meta.url);
  const { code, stdout, stderr } = new Deno.Command("deno", {
    args: ["info", "--json", "core/manifest/yaml.ts"],
    cwd: root,
  }).outputSync();
  assertEquals(code, 0, new TextDecoder().decode(stderr));
  const { files, packages } = codeIdentity(JSON.parse(new TextDecoder().decode(stdout)), {
    root: root.href,
    lock: JSON.parse(Deno.readTextFileSync(new URL("deno.lock", root))),
    readBytes: (url) => Deno.readFileSync(new URL(url)),
  });
  assertEquals(Object.keys(files).sort(), ["core/errors.ts", "core/manifest/yaml.ts"]);
  assertEquals(Object.keys(packages), ["deno-std@1.4.0"]);
});

Deno.test("codeIdentity() names files of a user's folder apart, and refuses those of any other", () => {
  const files: Readonly<Record<string, string>> = {
    "file:///home/me/mix%20er.ts": "mine",
    "file:///repo/b.ts": "b",
  };
  const entry = "file:///home/me/mix%20er.ts";
  const graph = {
    roots: [entry],
    modules: [
      {
        specifier: entry,
        dependencies: [{ specifier: "b", code: { specifier: "file:///repo/b.ts" } }],
      },
      { specifier: "file:///repo/b.ts" },
    ],
  };
  const sources = {
    root: ROOT,
    lock: LOCK,
    readBytes: (url: string) => new TextEncoder().encode(files[url]),
  };
  const mine = codeIdentity(graph, { ...sources, userRoot: "file:///home/me/" });
  assertEquals(Object.keys(mine.files).sort(), ["b.ts", "user:mix er.ts"]);
  assertThrows(
    () => codeIdentity(graph, { ...sources, userRoot: "file:///home/you/" }),
    HarnessError,
    "expected a file under file:///repo/ or file:///home/you/",
  );
});
