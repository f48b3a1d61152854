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
 * @throws {HarnessError} If a module in its reach is missing, remote, or lies elsewhere
 * @throws {UsageError} If this process may not run deno
 */
export async function userCodeIdentity(module: URL): Promise<CodeIdentity> {
  try {
    return await identityOf(module, { userRoot: new URL("./", module).href });
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
  options: { readonly userRoot?: string },
): Promise<CodeIdentity> {
  const config = fileURLToPath(new URL("deno.json", ROOT));
  const info = await run("deno", ["info", "--json", "--config", config, entry.href]);
  const lock = JSON.parse(await Deno.readTextFile(new URL("deno.lock", ROOT))) as LockFile;
  return codeIdentity(JSON.parse(info) as ModuleGraph, {
    ...options,
    root: ROOT.href,
    lock,
    readBytes: (url) => Deno.readFileSync(new URL(url)),
  });
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
    stdout: "piped",
    stderr: "piped",
  }).output();
  if (success) return new TextDecoder().decode(stdout);
  const text = new TextDecoder().decode(stderr).trim();
  throw new HarnessError(`"${program} ${args.join(" ")}" failed: ${text}`);
}
