/** Reads the project for the architecture test: its files, and its graph of imports from Deno itself. */

/** A file of the project; `path` is relative to the root, with forward slashes. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

/** One import as written; `to` is a project path, a bare name, or undefined where nothing is found. */
export interface Import {
  readonly from: string;
  readonly specifier: string;
  readonly to: string | undefined;
}

const ROOT = new URL("../../", import.meta.url);
const TEXT_FILE =
  /(^|\/)(LICENSE|\.git(ignore|attributes)|run)$|\.(ts|js|json|lock|md|ya?ml|wgsl|tex|sty|bib|sh|csv|jsonl|cff|txt)$/;

async function git(args: readonly string[]): Promise<readonly string[]> {
  const { success, stdout, stderr } = await new Deno.Command("git", { args: [...args], cwd: ROOT })
    .output();
  if (!success) throw new Error(`git ${args.join(" ")}: ${new TextDecoder().decode(stderr)}`);
  return new TextDecoder().decode(stdout).split("\0").filter((path) => path !== "");
}

async function walk(folder: string): Promise<readonly string[]> {
  const paths: string[] = [];
  for await (const entry of Deno.readDir(new URL(folder, ROOT))) {
    if (entry.isDirectory && [".git", "node_modules", "coverage"].includes(entry.name)) continue;
    const path = folder + entry.name;
    if (entry.isDirectory) paths.push(...await walk(path + "/"));
    else paths.push(path);
  }
  return paths;
}

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(new URL(path, ROOT)).then(() => true, () => false);
}

/** Every path that git tracks or would track; in a tree without git, every path. Sorted. */
export async function projectPaths(): Promise<readonly string[]> {
  if (!await exists(".git")) return [...await walk("")].sort();
  const listed = await git(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
  const present = await Promise.all(listed.map(exists)); // the index still lists deleted files
  return [...new Set(listed.filter((_, index) => present[index]))].sort();
}

/** Sources that .gitignore hides from git: they work here and are absent from every clone. */
export async function ignoredSources(): Promise<readonly string[]> {
  if (!await exists(".git")) return [];
  const list = ["ls-files", "-z", "--others", "--ignored", "--exclude-standard", "--"];
  const hidden = await git([...list, "core", "shaders", "tests", "docs", "experiments", ".ci"]);
  return hidden.filter((path) => TEXT_FILE.test(path));
}

/** The text files among `paths`. */
export function readTextFiles(paths: readonly string[]): Promise<readonly SourceFile[]> {
  return Promise.all(
    paths.filter((path) => TEXT_FILE.test(path)).map(async (path) => ({
      path,
      text: await Deno.readTextFile(new URL(path, ROOT)),
    })),
  );
}

interface InfoResolution {
  readonly specifier?: string;
}
interface InfoModule {
  readonly specifier: string;
  readonly error?: string;
  readonly dependencies?: readonly {
    readonly specifier: string;
    readonly code?: InfoResolution;
    readonly type?: InfoResolution;
  }[];
}

/** Imports of the given TypeScript files and of all they reach, types included, from `deno info --json`. */
export async function readImports(paths: readonly string[]): Promise<readonly Import[]> {
  const folder = await Deno.makeTempDir();
  try {
    const entry = `${folder}/entry.ts`;
    const lines = paths.map((path) => `import ${JSON.stringify(new URL(path, ROOT).href)};\n`);
    await Deno.writeTextFile(entry, lines.join(""));
    const args = ["info", "--quiet", "--json", "--config", "deno.json", entry];
    const { success, stdout, stderr } = await new Deno.Command("deno", { args, cwd: ROOT })
      .output();
    if (!success) throw new Error(`deno info: ${new TextDecoder().decode(stderr)}`);
    const modules: readonly InfoModule[] = JSON.parse(new TextDecoder().decode(stdout)).modules;
    return importsOf(modules);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function importsOf(modules: readonly InfoModule[]): readonly Import[] {
  const broken = new Set(modules.filter((m) => m.error !== undefined).map((m) => m.specifier));
  return modules.filter((module) => isOurs(module.specifier)).flatMap((module) =>
    (module.dependencies ?? []).map(({ specifier, code, type }) => {
      const target = code?.specifier ?? type?.specifier;
      const found = target !== undefined && !broken.has(target);
      return {
        from: projectPath(module.specifier),
        specifier,
        to: found ? projectPath(target) : undefined,
      };
    })
  );
}

function isOurs(specifier: string): boolean {
  return specifier.startsWith(ROOT.href) && !specifier.includes("/node_modules/");
}

function projectPath(specifier: string): string {
  return isOurs(specifier) ? decodeURIComponent(specifier.slice(ROOT.href.length)) : specifier;
}
