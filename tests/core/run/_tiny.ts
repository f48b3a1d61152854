/** Runs the real command on tests/fixtures/tiny.yaml and reads what it left. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { canonicalJson } from "../../../core/manifest/canonical_json.ts";
import type { Json } from "../../../core/manifest/json.ts";
import type { RunRecord } from "../../../core/store/record.ts";
import { Store } from "../../../core/store/store.ts";

export const TINY = "tests/fixtures/tiny.yaml";

const RUN = ["run", "-q", "--no-prompt", "-P=reproduce"];
const COMMAND = [...RUN, "core/cli/reproduce.ts"];
const HELD_COMMAND = [...RUN, "tests/core/run/_held_reproduce.ts"];

/** What a command left behind. */
export interface Finished {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
}

function commandOf(
  args: readonly string[],
  { env = {}, command = COMMAND }: RunOptions & { readonly command?: readonly string[] },
): Deno.Command {
  return new Deno.Command("deno", {
    args: [...command, ...args],
    env: { NO_COLOR: "1", ...env },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  });
}

/** `reproduce` to its end. */
export async function reproduce(
  args: readonly string[],
  options: RunOptions = {},
): Promise<Finished> {
  const { code, stdout, stderr } = await commandOf(args, options).output();
  const decode = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
  return { code, stdout: decode(stdout), stderr: decode(stderr) };
}

/** `reproduce` to its end, which must be a good one. */
export async function reproduceWell(args: readonly string[]): Promise<Finished> {
  const finished = await reproduce(args);
  assertEquals(finished.code, 0, finished.stderr);
  return finished;
}

/** A command in progress, killed at the end of its scope if it has not ended. */
export interface Running extends AsyncDisposable {
  readonly child: Deno.ChildProcess;
  /** Resolves once driver and workers are gone: all of them hold standard error. */
  readonly ended: Promise<{ readonly code: number; readonly stderr: string }>;
}

/** Starts `reproduce`. Units of the arms `hold` stop in their midst until they are asked to end, or killed. */
export function startReproduce(
  args: readonly string[],
  { hold }: { readonly hold: readonly string[] },
): Running {
  const child = commandOf([hold.join(","), ...args], { command: HELD_COMMAND }).spawn();
  const text = new Response(child.stderr).text();
  const drained = child.stdout.pipeTo(new WritableStream());
  const ended = Promise.all([child.status, text, drained])
    .then(([{ code }, stderr]) => ({ code, stderr }));
  const state = { isOver: false };
  child.status.then(() => state.isOver = true);
  const end = async (): Promise<void> => {
    if (!state.isOver) child.kill("SIGKILL");
    await ended;
  };
  return { child, ended, [Symbol.asyncDispose]: end };
}

/** Waits until `condition` gives something; fails once the command has ended without it. */
export async function waitFor<T>(
  { what, running }: { readonly what: string; readonly running: Running },
  condition: () => T | undefined | false,
): Promise<T> {
  const isOver = async (): Promise<boolean> =>
    await Promise.race([
      running.child.status.then(() => true),
      new Promise<boolean>((resolve) => setTimeout(() => resolve(false), 10)),
    ]);
  do {
    const value = condition();
    if (value !== undefined && value !== false) return value;
  } while (!(await isOver()));
  throw new Error(`The command ended before there was ${what}: ${(await running.ended).stderr}`);
}

export function openStore(out: string): Store {
  return Store.open(`${out}/store`, { create: false });
}

/** Sealed records by name, read with all of the store's checks. */
export function recordsOf(out: string): ReadonlyMap<string, RunRecord> {
  const store = openStore(out);
  return new Map(
    store.sealedKeys().map((key) => {
      const record = store.readRecord(key);
      return [record.name, record];
    }),
  );
}

/** Records without timing as canonical text, and the bytes of their metrics: what must always be the same. */
export function resultsOf(out: string): readonly string[] {
  const store = openStore(out);
  return [...recordsOf(out).values()].map((record) => {
    const { timing: _, ...rest } = record;
    const outputs = record.outputs.map(({ name, digest }) =>
      `${name}\n${new TextDecoder().decode(store.getBlob(digest))}`
    );
    return [canonicalJson(rest as unknown as Json), ...outputs].join("\n");
  }).sort();
}

/** Lines of metrics that each try at each unit has written so far, by key and try. */
export function linesWritten(out: string): readonly {
  readonly key: string;
  readonly folder: string;
  readonly lines: number;
  readonly sealed: boolean;
}[] {
  if (!exists(`${out}/store/VERSION`)) return [];
  const store = openStore(out);
  return store.startedKeys().flatMap((key) =>
    store.attemptNumbers(key).map((number) => {
      const folder = `${store.paths.attempts(key)}/${number}`;
      const path = `${folder}/metrics.jsonl`;
      const lines = exists(path) ? Deno.readTextFileSync(path).split("\n").length - 1 : 0;
      return { key, folder, lines, sealed: store.isSealed(key) };
    })
  );
}

/** Times at which the records were written, by key. */
export function recordTimes(out: string): ReadonlyMap<string, number | undefined> {
  const store = openStore(out);
  return new Map(
    store.sealedKeys().map((
      key,
    ) => [key, Deno.statSync(store.paths.record(key)).mtime?.getTime()]),
  );
}

export function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** A copy of the tiny manifest with one change. */
export function changedManifest(folder: string, [from, to]: readonly [string, string]): string {
  const text = Deno.readTextFileSync(TINY);
  assertStringIncludes(text, from);
  const path = `${folder}/changed.yaml`;
  Deno.writeTextFileSync(path, text.replace(from, to));
  return path;
}

/** Runs a command that must be refused: one message, no stack trace, nothing on standard output. */
export async function refused(
  args: readonly string[],
  want: RunOptions & { readonly code: number; readonly says: readonly string[] },
): Promise<void> {
  const { code, stdout, stderr } = await reproduce(args, want);
  assertEquals(code, want.code, stderr);
  assertEquals(stdout, "");
  assertEquals(stderr.match(/^error: /gm)?.length, 1, stderr);
  assert(!/\n {4}at |bug in the harness/.test(stderr), stderr);
  for (const text of want.says) assertStringIncludes(stderr, text);
}

/** Runs a test in a folder of its own. */
export async function inFolder(test: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
