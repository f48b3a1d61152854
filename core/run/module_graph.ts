/** Which code a unit runs: the module graph of its entry and the state of the working tree. */
import { fileURLToPath } from "node:url";
import {
  type CodeIdentity,
  codeIdentity,
  type LockFile,
  type ModuleGraph,
} from "../experiment/code_identity.ts";
import { HarnessError, UsageError } from "../errors.ts";

const ROOT = new URL("../../", import.meta.url);

/** The module whose graph trains a unit, backends included: figures, statistics and the command line are not in it. */
const ENTRY = new URL("./executors/worker.ts", import.meta.url);

/** Digest of all code and shaders that a unit runs. @throws {HarnessError} If `deno info` fails */
export async function unitCodeIdentity(): Promise<CodeIdentity> {
  return await identityOf(ENTRY, {});
}

/**
 * Digest of a module of the user's own and all that it imports, this project's files among it. Other files must lie
 * in the module's folder, so that their names are the same on every machine.
 *
 * @throws {HarnessError} If a module in its reach is missing, remote, or lies elsewhere, or a package is not in deno.lock
 * @throws {UsageError} If this process may not run deno
 */
export async function userCodeIdentity(module: URL): Promise<CodeIdentity> {
  try {
    return await identityOf(module, { userRoot: new URL("./", module).href, isFrozen: true });
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotCapable)) throw cause;
    throw new UsageError(
      `Cannot list what "${module.href}" imports: expected the permission to run deno, got: ${cause.message}; run ` +
        "the command with --allow-run=deno",
      { cause },
    );
  }
}

async function identityOf(
  entry: URL,
  { isFrozen = false, ...options }: {
    readonly userRoot?: string;
    /** Packages that deno.lock has not are refused, and not added to it. */
    readonly isFrozen?: boolean;
  },
): Promise<CodeIdentity> {
  const config = fileURLToPath(new URL("deno.json", ROOT));
  const frozen = isFrozen ? ["--frozen"] : [];
  const info = await run("deno", ["info", "--json", ...frozen, "--config", config, entry.href])
    .catch((cause) => {
      throw unlocked(cause) ?? cause;
    });
  const lock = JSON.parse(await Deno.readTextFile(new URL("deno.lock", ROOT))) as Lock;
  const graph = JSON.parse(info) as ModuleGraph;
  if (isFrozen) expectLocked(graph, lock);
  return codeIdentity(graph, {
    ...options,
    root: ROOT.href,
    lock,
    readBytes: (url) => Deno.readFileSync(new URL(url)),
  });
}

interface Lock extends LockFile {
  /** What was asked for, "npm:vega@6.4.0", and the version it was given. */
  readonly specifiers?: Readonly<Record<string, string>>;
}

/** Without a network, `deno info --frozen` takes what is at hand for a package that the lock has under another name. */
function expectLocked({ modules }: ModuleGraph, { specifiers = {} }: Lock): void {
  const asked = modules.flatMap(({ dependencies = [] }) =>
    dependencies.flatMap(({ code }) => code?.specifier ?? [])
  );
  const names = asked.flatMap((specifier) =>
    /^npm:\/?((?:@[^/]+\/)?[^/]+)/.exec(specifier)?.slice(1).map((name) => `npm:${name}`) ?? []
  );
  const unknown = names.filter((name) => !Object.hasOwn(specifiers, name));
  if (unknown.length > 0) throw notLocked([...new Set(unknown)]);
}

function notLocked(names: readonly string[], options: ErrorOptions = {}): HarnessError {
  const list = names.map((name) => `"${name}"`).join(", ");
  return new HarnessError(
    `${
      list || "a package"
    } is not in deno.lock; import the packages of this project by their names in deno.json`,
    options,
  );
}

/** The error for imports that deno.lock has not; undefined where `deno info` failed for another reason. */
function unlocked(cause: unknown): HarnessError | undefined {
  if (!(cause instanceof HarnessError) || !cause.message.includes("lockfile is out of date")) {
    return;
  }
  const added = cause.message.matchAll(/\+ +"((?:npm|jsr|https?):[^"]+)"/g);
  return notLocked(Array.from(added, ([, specifier]) => specifier), { cause });
}

/** Commit of the working tree and whether it has changes; "unknown" where git or a repository is missing. */
export async function codeRevision(): Promise<
  { readonly revision: string; readonly dirty: boolean }
> {
  try {
    const revision = (await run("git", ["rev-parse", "HEAD"])).trim();
    const dirty = (await run("git", ["status", "--porcelain"])).trim() !== "";
    return { revision, dirty };
  } catch (cause) {
    // Without git there is no commit to name: the code digest still says exactly what ran.
    if (cause instanceof HarnessError || cause instanceof Deno.errors.NotFound) {
      return { revision: "unknown", dirty: true };
    }
    throw cause;
  }
}

async function run(program: string, args: readonly string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(program, {
    args: [...args],
    cwd: ROOT,
    env: { NO_COLOR: "1" }, // what is said is read
    stdout: "piped",
    stderr: "piped",
  }).output();
  if (success) return new TextDecoder().decode(stdout);
  const text = new TextDecoder().decode(stderr).trim();
  throw new HarnessError(`"${program} ${args.join(" ")}" failed: ${text}`);
}
