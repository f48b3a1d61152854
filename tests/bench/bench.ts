/** `deno task bench`: runs the benchmark programs one after another, each in a process of its own. */
import { IncompleteError, UsageError } from "../../core/errors.ts";
import { parseArguments } from "../../core/cli/args.ts";
import { runMain } from "../../core/cli/main.ts";
import type { CommandSpec, OptionSpecs } from "../../core/cli/option_spec.ts";

/** Names on the command line; each program is the file of that name, and whether it starts Python. */
const PROGRAMS: Readonly<Record<string, { readonly file: string; readonly python: boolean }>> = {
  "side-by-side": { file: "side_by_side.ts", python: true },
  kernels: { file: "kernels.ts", python: false },
  "bk-core-peers": { file: "bk_core_peers.ts", python: true },
  "host-cost": { file: "host_cost.ts", python: false },
  "plan-options": { file: "plan_options.ts", python: false },
  router: { file: "router.ts", python: false },
  "spectral-scaling": { file: "spectral_scaling.ts", python: false },
  "semiseparable-scaling": { file: "semiseparable_scaling.ts", python: false },
};

const COMMAND = {
  name: "bench",
  summary: "Measures the engine on the adapter at hand, beside its peers; it asserts nothing",
  options: {
    full: { kind: "boolean", description: "the whole protocol instead of a quick look" },
    only: { kind: "list", description: `programs: ${Object.keys(PROGRAMS).join(", ")}` },
    python: { kind: "string", default: "python3", description: "interpreter with numpy and torch" },
    outDir: {
      kind: "string",
      placeholder: "folder",
      description: "write one JSON per program there",
    },
  },
  examples: [
    "deno task bench",
    "deno task bench --only side-by-side --full --python /usr/bin/python3 --out-dir /tmp/bench",
  ],
} as const satisfies CommandSpec<OptionSpecs>;

async function bench(args: readonly string[]): Promise<void> {
  const parsed = parseArguments(args, COMMAND);
  if (parsed.kind === "help") return console.log(parsed.text);
  const { full, only, python, outDir } = parsed.options;
  const names = only.length > 0 ? only : Object.keys(PROGRAMS);
  const unknown = names.filter((name) => !Object.hasOwn(PROGRAMS, name));
  if (unknown.length > 0) {
    throw new UsageError(
      `Unknown program "${unknown.join('", "')}": expected ${Object.keys(PROGRAMS).join(", ")}`,
    );
  }
  if (outDir !== undefined) await Deno.mkdir(outDir, { recursive: true });
  const failed: string[] = [];
  for (const name of names) {
    const { file, python: startsPython } = PROGRAMS[name];
    console.log(`\n== ${name}`);
    const success = await run(file, [
      ...(full ? ["--full"] : []),
      ...(startsPython ? ["--python", python] : []),
      ...(outDir === undefined ? [] : ["--out", `${outDir}/${name}.json`]),
    ]);
    if (!success) failed.push(name);
  }
  if (failed.length > 0) {
    throw new IncompleteError(`Benchmarks failed: ${failed.join(", ")}; see their messages above`);
  }
}

async function run(file: string, args: readonly string[]): Promise<boolean> {
  const script = new URL(file, import.meta.url).pathname;
  const child = new Deno.Command("deno", {
    // The collector is called by host-cost alone.
    args: ["run", "--quiet", "--no-prompt", "--v8-flags=--expose-gc", "-P=bench", script, ...args],
    stdin: "null",
  }).spawn();
  return (await child.status).success;
}

if (import.meta.main) await runMain(() => bench(Deno.args));
