/** Rules about files, names and the configuration. Each function gives one line per violation. */
import type { SourceFile } from "./source_tree.ts";

const REQUIRED_AT_ROOT = [
  ".ci",
  ".gitattributes",
  ".github",
  ".gitignore",
  "LICENSE",
  "README.md",
  "core",
  "deno.json",
  "deno.lock",
  "docs",
  "experiments",
  "mod.ts",
  "paper",
  "results",
  "setup.sh",
  "shaders",
  "tests",
];
/** Files that people and hosts look for at a root. */
const ALLOWED_AT_ROOT = ["CHANGELOG.md", "CITATION.cff", "CONTRIBUTING.md", "SECURITY.md"];

/** Names missing at the root, and names that do not belong there. */
export function topLevelViolations(paths: readonly string[]): readonly string[] {
  const found = new Set(paths.map((path) => path.split("/")[0]));
  const allowed = new Set([...REQUIRED_AT_ROOT, ...ALLOWED_AT_ROOT]);
  return [
    ...REQUIRED_AT_ROOT.filter((name) => !found.has(name)).map((name) => `${name} is missing`),
    ...[...found].filter((name) => !allowed.has(name))
      .map((name) =>
        `${name} does not belong at the top level: move it, or ignore it in .gitignore`
      ),
  ];
}

const MOST_LINES = 300;

/** Source files beyond the ceiling, unless the first lines give the reason after "Length:". */
export function lengthViolations(files: readonly SourceFile[]): readonly string[] {
  return files.filter(({ path }) => /\.(ts|wgsl)$/.test(path)).flatMap(({ path, text }) => {
    const lines = text.split("\n").length - 1;
    const excused = /\bLength: \S/.test(text.split("\n").slice(0, 30).join("\n"));
    if (lines <= MOST_LINES || excused) return [];
    return [`${path}: ${lines} lines, at most ${MOST_LINES}; split it, or give "Length: reason"`];
  });
}

/** Source files that are not snake_case, or are named after nothing. */
export function nameViolations(paths: readonly string[]): readonly string[] {
  return paths.filter((path) => /^(core|shaders|tests|\.ci)\/.*\.(ts|wgsl)$/.test(path))
    .flatMap((path) => {
      const name = path.split("/").at(-1) ?? "";
      if (/^_?(utils?|helpers?|misc|common)(_test)?\./.test(name)) {
        return [`${path}: the name says nothing about what is inside`];
      }
      return /^_?[a-z0-9]+(_[a-z0-9]+)*\.(ts|wgsl)$/.test(name) ? [] : [`${path}: not snake_case`];
    });
}

/** Text files with a carriage return: digests of files are identities on every platform. */
export function lineEndingViolations(files: readonly SourceFile[]): readonly string[] {
  return files.filter(({ text }) => text.includes("\r"))
    .map(({ path }) => `${path}: carriage return; every text file uses LF`);
}

/** The parts of deno.json that the rules read. */
export interface Configuration {
  readonly tasks?: Readonly<Record<string, string | { command?: string; description?: string }>>;
  readonly imports?: Readonly<Record<string, string>>;
}

/** Tasks that need a shell of the system, take every permission, or do not say what they do. */
export function taskViolations({ tasks = {} }: Configuration): readonly string[] {
  return Object.entries(tasks).flatMap(([name, task]) => {
    const command = typeof task === "string" ? task : task.command ?? "";
    const described = typeof task !== "string" && (task.description ?? "") !== "";
    return [
      ...(described ? [] : [`task ${name} has no description`]),
      ...(/(^|[\s;&|/])(ba|z|k|da)?sh(\s|$)|\.sh\b/.test(command)
        ? [`task ${name} needs a shell`]
        : []),
      ...(takesEverything(command) ? [`task ${name} takes every permission`] : []),
    ];
  });
}

function takesEverything(command: string): boolean {
  return /\bdeno\b[^\n]*\s(-[a-zA-Z]*A[a-zA-Z]*|--allow-all)(\s|$|["'`)\]])/.test(command);
}

/** Commands anywhere in the project that run Deno with every permission. */
export function permissionViolations(files: readonly SourceFile[]): readonly string[] {
  return files.filter(({ path }) => !path.startsWith("tests/_tools/")).flatMap(({ path, text }) =>
    text.split("\n").flatMap((line, index) =>
      takesEverything(line) || /"(-A|--allow-all)"/.test(line)
        ? [`${path}:${index + 1}: runs Deno with every permission`]
        : []
    )
  );
}

/** `Deno.execPath()` behind npm is no path that `run: ["deno"]` permits; the name on PATH always is. */
export function spawnViolations(files: readonly SourceFile[]): readonly string[] {
  return files.filter(({ path }) => /^(core|tests|\.ci)\/.*\.ts$/.test(path))
    .filter(({ path }) => !path.startsWith("tests/_tools/"))
    .filter(({ text }) => /\bexecPath\s*\(/.test(text))
    .map(({ path }) => `${path}: start "deno" by name, Deno.execPath() is not in the permissions`);
}

/** Entries of the import map whose version is a range or absent. */
export function pinViolations({ imports = {} }: Configuration): readonly string[] {
  return Object.entries(imports)
    .filter(([, target]) => /^(npm|jsr):/.test(target))
    .filter(([, target]) =>
      !/^(npm|jsr):\/?(@[^/]+\/)?[^/@]+@\d+\.\d+\.\d+[^/]*(\/|$)/.test(target)
    )
    .map(([name, target]) => `import "${name}": ${target} is not pinned to one version`);
}
