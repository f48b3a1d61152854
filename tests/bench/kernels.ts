/** Time, GFLOP/s and GB/s of single kernels and of their gradients, with the adapter they ran on. */
import { UsageError } from "../../core/errors.ts";
import { parseArguments } from "../../core/cli/args.ts";
import { runMain } from "../../core/cli/main.ts";
import type { CommandSpec, OptionSpecs } from "../../core/cli/option_spec.ts";
import { webGpuBackend } from "../../core/gpu/backend.ts";
import type { BackendFacts } from "../../core/plan/backend.ts";
import { handOver, OUTPUT_OPTIONS, textTable } from "./bench_output.ts";
import { KERNEL_GROUPS } from "./kernel_cases.ts";
import { type MachineFacts, machineFacts, machineLine } from "./machine_facts.ts";
import { type KernelTime, timeKernel } from "./time_replays.ts";

const COMMAND = {
  name: "kernels",
  summary: "Times single kernels in blocks of replays, one readback per block",
  options: {
    full: { kind: "boolean", description: "9 blocks per kernel; else 3" },
    only: { kind: "list", description: `groups: ${Object.keys(KERNEL_GROUPS).join(", ")}` },
    preset: { kind: "string", choices: ["gpu", "software-adapter"], description: "tiles to use" },
    ...OUTPUT_OPTIONS,
  },
} as const satisfies CommandSpec<OptionSpecs>;

/** Names of the groups given, or all. @throws {UsageError} On an unknown name */
export function chosenGroups(only: readonly string[]): readonly string[] {
  const known = Object.keys(KERNEL_GROUPS);
  const unknown = only.filter((name) => !known.includes(name));
  if (unknown.length > 0) {
    throw new UsageError(`Unknown group "${unknown.join('", "')}": expected ${known.join(", ")}`);
  }
  return only.length === 0 ? known : only;
}

async function kernels(args: readonly string[]): Promise<void> {
  const parsed = parseArguments(args, COMMAND);
  if (parsed.kind === "help") return console.log(parsed.text);
  const { full, only, preset, json, out } = parsed.options;
  const groups = chosenGroups(only);
  const machine = machineFacts();
  const backend = await webGpuBackend(preset ? { preset: preset as "gpu" } : {});
  const times: KernelTime[] = [];
  for (const kernel of groups.flatMap((group) => KERNEL_GROUPS[group]())) {
    times.push(await timeKernel(backend, { kernel, blocks: full ? 9 : 3 }));
  }
  const { facts } = backend;
  backend.destroy();
  const result = { machine, backend: facts, kernels: times };
  await handOver(result, { json, out, text: report(result) });
}

function report({ machine, backend, kernels }: {
  readonly machine: MachineFacts;
  readonly backend: BackendFacts;
  readonly kernels: readonly KernelTime[];
}): string {
  const heading = ["kernel", "ms", "quartiles", "GFLOP/s", "GB/s", "ns/item", "replays"];
  const rows = kernels.map(({ name, seconds, gflops, gbytes, nanosecondsPerItem, replays }) => [
    name,
    (1e3 * seconds.median).toFixed(3),
    `${(1e3 * seconds.low).toFixed(3)}-${(1e3 * seconds.high).toFixed(3)}`,
    gflops.toFixed(2),
    gbytes.toFixed(2),
    nanosecondsPerItem.toFixed(1),
    String(replays),
  ]);
  return [
    machineLine(machine),
    `${backend.adapter?.description}, preset ${backend.preset}`,
    "",
    textTable([heading, ...rows]),
  ].join("\n");
}

if (import.meta.main) await runMain(() => kernels(Deno.args));
