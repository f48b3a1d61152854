/** `deno task plan-step <experiment> --arm <arm>`: the plan of one training update, and its profile on request. */
import { UsageError } from "../errors.ts";
import { expand } from "../experiment/expand.ts";
import { readUnitConfig } from "../manifest/unit_config.ts";
import { type PlanNeeds, planNeeds } from "../gpu/needs.ts";
import { readManifest } from "../manifest/read_manifest.ts";
import { resolveManifest } from "../manifest/resolve_manifest.ts";
import { describePlan, type PlanDescription } from "../plan/describe_plan.ts";
import { ALL_FUSION, NO_FUSION } from "../plan/fuse.ts";
import type { Plan } from "../plan/plan.ts";
import { trainerSettings } from "../run/trainer_settings.ts";
import { vocabularyBound } from "../run/vocabulary_bound.ts";
import { trainingPlan } from "../train/training_graph.ts";
import { parseArguments } from "./args.ts";
import { kernelsText, profilePlan } from "./kernel_profile.ts";
import { manifestPath } from "./manifest_path.ts";
import { runMain } from "./main.ts";
import type { CommandSpec, OptionSpecs, OptionValues } from "./option_spec.ts";
import { SHARED_OPTIONS } from "./shared_options.ts";

const COMMAND = {
  name: "plan-step",
  summary:
    "Print the plan of one training update of a manifest's arm: launches, bytes, FLOPs, memory.",
  positionals: {
    placeholder: "arm",
    description: "an arm of the manifest, resnet-bk or transformer",
    minimum: 1,
    maximum: 1,
  },
  options: {
    experiment: SHARED_OPTIONS.experiment,
    profile: SHARED_OPTIONS.profile,
    seqLen: SHARED_OPTIONS.gridLength,
    fusion: { kind: "boolean", description: "fusion rules on", default: true },
    share: { kind: "boolean", description: "dead tensors' memory is used again", default: true },
    checkpointing: { kind: "boolean", description: "inner values of blocks are computed again" },
    profileKernels: { kind: "boolean", description: "also run the step and print time per kernel" },
    json: SHARED_OPTIONS.json,
  },
  examples: [
    "deno task plan-step resnet-bk",
    "deno task plan-step transformer --profile cpu --no-fusion",
    "deno task plan-step resnet-bk --profile-kernels --json",
  ],
} as const satisfies CommandSpec<OptionSpecs>;

type PlanStepOptions = OptionValues<typeof COMMAND.options>;

/** Runs the command. @throws {UsageError} If the manifest has no such arm or length */
export async function planStep(args: readonly string[]): Promise<void> {
  const read = parseArguments(args, COMMAND);
  if (read.kind === "help") {
    console.log(read.text);
    return;
  }
  const plan = planOf(read.positionals[0], read.options);
  const description = describePlan(plan);
  const needs = {
    gpu: planNeeds(plan, "gpu"),
    "software-adapter": planNeeds(plan, "software-adapter"),
  };
  const kernels = read.options.profileKernels ? await profilePlan(plan) : undefined;
  if (read.options.json) {
    console.log(
      JSON.stringify({ ...description, needs, ...(kernels ? { kernels } : {}) }, null, 2),
    );
    return;
  }
  console.log(planText(description));
  for (const [preset, found] of Object.entries(needs)) console.log(needsText(preset, found));
  if (kernels) console.log(`\n${kernelsText(kernels)}`);
}

function planOf(arm: string, options: PlanStepOptions): Plan {
  const source = readManifest(manifestPath(options.experiment));
  const units = expand(resolveManifest(source, { profile: options.profile }));
  const unit = units.find((candidate) =>
    candidate.arm === arm && (options.seqLen ?? candidate.cell.seq_len) === candidate.cell.seq_len
  );
  if (!unit) {
    const known = [...new Set(units.map(({ arm, cell }) => `${arm} at ${cell.seq_len}`))].join(
      ", ",
    );
    throw new UsageError(
      `No unit of arm "${arm}" at length ${options.seqLen ?? "any"}; there are ${known}`,
    );
  }
  const config = readUnitConfig(unit.config, { where: unit.name });
  return trainingPlan({
    ...trainerSettings(config, { vocabularySize: vocabularyBound(config.data) }),
    fusion: options.fusion ? ALL_FUSION : NO_FUSION,
    share: options.share,
    ...(options.checkpointing ? { checkpointing: true } : {}),
  });
}

/** What an adapter must offer, by set of tiles. */
function needsText(preset: string, needs: PlanNeeds): string {
  const { launches, largestBinding, mostBindings, mostWorkgroups, mostRounds } = needs;
  const parts = [
    `${launches} launches`,
    largestBinding && `largest binding ${largestBinding.bytes} bytes (${largestBinding.tensor})`,
    mostBindings && `most bindings ${mostBindings.bindings} (${mostBindings.kernel})`,
    mostWorkgroups && `most workgroups ${mostWorkgroups.workgroups} (${mostWorkgroups.kernel})`,
    mostRounds && `longest loop ${mostRounds.rounds} rounds (${mostRounds.kernel})`,
  ];
  return `needs with tiles ${preset}: ${parts.filter((part) => part !== null).join(", ")}`;
}

function planText({ steps, totals, fusion, digest }: PlanDescription): string {
  const rows = steps.map(({ label, op, inputs, outputs, flops, bytes, places }) => {
    const place = places.map(({ arena, offset }) => `${arena}@${offset}`).join(" ");
    const shapes = `${inputs.join(" ")} -> ${outputs.join(" ")}`;
    return `${label.padEnd(56)} ${op.padEnd(28)} ${flops.toExponential(2)} flop ` +
      `${bytes.toExponential(2)} B  ${place.padEnd(20)} ${shapes}`;
  });
  const arenas = Object.entries(totals.arenaBytes).map(([name, bytes]) => `${name} ${bytes}`).join(
    ", ",
  );
  return [
    ...rows,
    "",
    `plan ${digest}`,
    `fusion: ${
      Object.entries(fusion).map(([rule, on]) => `${rule} ${on ? "on" : "off"}`).join(", ")
    }`,
    `${totals.steps} steps, ${totals.fusedGroups} fused groups, ${totals.inPlace} in place`,
    `${totals.flops.toExponential(3)} flop, ${
      totals.bytesMoved.toExponential(3)
    } bytes moved per update`,
    `${totals.allocatedBytes} bytes of device memory: ${arenas}`,
  ].join("\n");
}

if (import.meta.main) await runMain(() => planStep(Deno.args));
