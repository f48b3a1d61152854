import { HarnessError } from "../errors.ts";
import { canonicalJson } from "../manifest/canonical_json.ts";
import { sha256Hex } from "../random/sha256.ts";

/** The parts of `deno info --json <entry>` that are read here. */
export interface ModuleGraph {
  readonly roots: readonly string[];
  readonly modules: readonly GraphModule[];
  readonly redirects?: Readonly<Record<string, string>>;
  readonly npmPackages?: Readonly<Record<string, { readonly dependencies: readonly string[] }>>;
}

/** One module of `deno info --json`. */
export interface GraphModule {
  readonly specifier: string;
  /** "esm", "external" (a text import), "npm", "node", … */
  readonly kind?: string;
  readonly npmPackage?: string;
  readonly error?: string;
  readonly dependencies?: readonly {
    readonly specifier: string;
    /** Absent on an import of types alone. */
    readonly code?: { readonly specifier?: string; readonly error?: string };
  }[];
}

/** The parts of `deno.lock` that are read here. */
export interface LockFile {
  readonly npm?: Readonly<Record<string, { readonly integrity: string }>>;
}

/** Where the graph's files and packages are looked up. */
export interface CodeSources {
  /** URL of the repository root with a final slash, "file:///…/"; no path of it enters the digest. */
  readonly root: string;
  /** URL of a folder outside the root, with a final slash, whose files belong to the code as well. @default none */
  readonly userRoot?: string;
  readonly lock: LockFile;
  readonly readBytes: (url: string) => Uint8Array;
}

/** Names of files in the user's folder begin so. */
const USER_FILE = "user:";

/** What code a unit runs: a digest, and the list it is the digest of. */
export interface CodeIdentity {
  readonly digest: string;
  /**
   * Local modules and text imports: path relative to the root, or behind "user:" to the user's folder, and SHA-256
   * of the LF-normalised bytes.
   */
  readonly files: Readonly<Record<string, string>>;
  /** npm packages in reach: lock integrity by name and version. */
  readonly packages: Readonly<Record<string, string>>;
}

/**
 * Identity of the code in reach of an entry: local modules, shader texts, and the lock integrity of
 * npm packages with all they depend on. Imports of types alone are not followed: they run nothing.
 *
 * @throws {HarnessError} If a module cannot be resolved, lies outside the root or is remote, or a
 *   package has no integrity in the lock file.
 */
export function codeIdentity(graph: ModuleGraph, sources: CodeSources): CodeIdentity {
  const modules = reachable(graph);
  const files: Record<string, string> = {};
  const npmRoots: string[] = [];
  for (const module of modules) {
    if (module.specifier.startsWith("node:")) continue; // part of Deno, whose version is in the key
    if (module.specifier.startsWith("npm:")) npmRoots.push(module.npmPackage ?? module.specifier);
    else {
      const bytes = sources.readBytes(module.specifier);
      files[pathOf(module.specifier, sources)] = sourceDigest(bytes);
    }
  }
  const packages: Record<string, string> = {};
  for (const id of packageClosure(graph, npmRoots)) packages[id] = integrityOf(id, sources.lock);
  return { digest: sha256Hex(canonicalJson({ files, packages })), files, packages };
}

function reachable(graph: ModuleGraph): readonly GraphModule[] {
  const bySpecifier = new Map(graph.modules.map((module) => [module.specifier, module]));
  const found = new Map<string, GraphModule>();
  const pending = [...graph.roots];
  while (pending.length > 0) {
    const wanted = pending.pop()!;
    const specifier = graph.redirects?.[wanted] ?? wanted;
    if (found.has(specifier)) continue;
    if (specifier.startsWith("node:")) continue;
    const module = bySpecifier.get(specifier);
    if (module === undefined || module.error !== undefined) {
      throw unidentified(specifier, module?.error ?? "it is not in the module graph");
    }
    found.set(specifier, module);
    for (const dependency of module.dependencies ?? []) {
      if (dependency.code === undefined) continue;
      const next = dependency.code.specifier;
      if (next === undefined) throw unidentified(dependency.specifier, `${dependency.code.error}`);
      pending.push(next);
    }
  }
  return [...found.values()];
}

function pathOf(specifier: string, { root, userRoot }: CodeSources): string {
  if (specifier.startsWith(root)) return decodeURIComponent(specifier.slice(root.length));
  if (userRoot !== undefined && specifier.startsWith(userRoot)) {
    return `${USER_FILE}${decodeURIComponent(specifier.slice(userRoot.length))}`;
  }
  const folders = userRoot === undefined ? root : `${root} or ${userRoot}`;
  throw unidentified(specifier, `expected a file under ${folders}`);
}

/** SHA-256 of a source text with LF line ends: a checkout with CRLF is the same code. */
export function sourceDigest(bytes: Uint8Array): string {
  return sha256Hex(bytes.filter((byte, i) => !(byte === 0x0d && bytes[i + 1] === 0x0a)));
}

function packageClosure(graph: ModuleGraph, roots: readonly string[]): ReadonlySet<string> {
  const closure = new Set<string>();
  const pending = [...roots];
  while (pending.length > 0) {
    const id = pending.pop()!;
    if (closure.has(id)) continue;
    closure.add(id);
    const entry = graph.npmPackages?.[id];
    if (entry === undefined) throw unidentified(`npm:${id}`, "it is not among the npm packages");
    pending.push(...entry.dependencies);
  }
  return closure;
}

function integrityOf(id: string, lock: LockFile): string {
  const integrity = lock.npm?.[id]?.integrity;
  if (integrity !== undefined) return integrity;
  throw unidentified(`npm:${id}`, "deno.lock has no integrity for it; run deno install");
}

function unidentified(specifier: string, reason: string): HarnessError {
  return new HarnessError(`Cannot identify the code of "${specifier}": ${reason}`);
}
