/**
 * What the planner's options buy: fused against unfused, checkpointed against kept. Prints steps per second,
 * bytes moved, memory, and whether results agree. It asserts nothing.
 */
import { parseArguments } from "../../core/cli/args.ts";
import { runMain } from "../../core/cli/main.ts";
import type { CommandSpec, OptionSpecs } from "../../core/cli/option_spec.ts";
import { webGpuBackend } from "../../core/gpu/backend.ts";
import type { ModelConfig } from "../../core/models/registry.ts";
import type { Backend, Program, StepInput } from "../../core/plan/backend.ts";
import { describePlan } from "../../core/plan/describe_plan.ts";
import { ALL_FUSION, NO_FUSION } from "../../core/plan/fuse.ts";
import { sha256Hex } from "../../core/random/sha256.ts";
import { initialParameters } from "../../core/train/initial_parameters.ts";
import { type TrainingGraphOptions, trainingPlan } from "../../core/train/training_graph.ts";
import { trialValues } from "../core/_trials.ts";
import { resnetBk } from "../core/models/_resnet_bk.ts";
import { handOver, OUTPUT_OPTIONS } from "./bench_output.ts";
import { machineFacts, machineLine } from "./machine_facts.ts";

const OPTIMISER = { weightDecay: 0.01, beta1: 0.9, beta2: 0.95, gradClip: 1 };
const RESNET_BK = resnetBk({
  dModel: 64,
  nLayers: 2,
  tieHead: true,
  bkChannels: 8,
  numExperts: 4,
  topK: 1,
  vMax: 3,
  etaInit: 1,
  etaMin: 1e-3,
});

/** Models of the fusion comparison: B = 8, N = 128. */
const FUSION_MODELS: readonly ModelConfig[] = [
  { kind: "transformer", dModel: 96, nLayers: 3, tieHead: false, nHeads: 3 },
  { ...RESNET_BK, dModel: 64, nLayers: 2 },
];
/** Models of the checkpointing comparison: L = 4, B = 1, N = 8192. */
const LONG_MODELS: readonly ModelConfig[] = [
  { ...RESNET_BK, dModel: 32, nLayers: 4 },
  // Heads of 8 channels: with 16 an invocation would loop longer than software adapters take.
  { kind: "transformer", dModel: 32, nLayers: 4, tieHead: true, nHeads: 4 },
];

interface Variant {
  readonly name: string;
  readonly model: string;
  readonly launches: number;
  readonly bytesMoved: number;
  readonly allocatedBytes: number;
  readonly activationBytes: number;
  /** Median over blocks. */
  readonly stepsPerSecond: number;
  readonly firstLoss: number;
  /** SHA-256 of the gradient of the first update. */
  readonly gradient: string;
}

interface Running {
  readonly name: string;
  readonly program: Program;
  readonly inputs: StepInput;
  readonly times: number[];
  readonly firstLoss: number;
  readonly gradient: string;
}

/** Runs the variants of one model in turn, block by block, so that load on the machine hits all alike. */
async function compare(backend: Backend, options: {
  readonly model: ModelConfig;
  readonly shape: TrainingGraphOptions["shape"];
  readonly variants: Readonly<Record<string, Partial<TrainingGraphOptions>>>;
  readonly stepsPerBlock: number;
  readonly blocks: number;
}): Promise<readonly Variant[]> {
  const { model, shape, variants, stepsPerBlock, blocks } = options;
  const running: Running[] = [];
  for (const [name, variant] of Object.entries(variants)) {
    const plan = trainingPlan({
      model,
      shape,
      vocabularySize: 256,
      optimiser: OPTIMISER,
      ...variant,
    });
    const program = await backend.compile(plan);
    program.write("param", initialParameters(plan, 42));
    const size = shape.batch * shape.seqLen;
    const ids = (stream: string) =>
      trialValues({
        type: { shape: [size], dtype: "i32" },
        law: (_, draw) => Math.floor(256 * draw),
      }, stream) as Int32Array;
    const inputs: StepInput = {
      "tokens/0": ids("tokens"),
      "targets/0": ids("targets"),
      schedule: Float32Array.of(1e-3, 1 / (1 - OPTIMISER.beta1), 1 / (1 - OPTIMISER.beta2)),
      slot: Int32Array.of(0),
    };
    await program.step(inputs);
    const [grad, metric] = await program.readArenas(["grad", "metric"]);
    const gradient = sha256Hex(new Uint8Array(grad.slice().buffer));
    running.push({ name, program, inputs, times: [], firstLoss: metric[0], gradient });
  }
  for (let block = 0; block < blocks; block++) {
    for (const { program, inputs, times } of running) {
      const begin = performance.now();
      for (let step = 0; step < stepsPerBlock; step++) await program.step(inputs);
      await program.readArenas(["metric"]);
      times.push((performance.now() - begin) / 1000);
    }
  }
  return running.map(({ name, program, times, firstLoss, gradient }) => {
    const { totals } = describePlan(program.plan);
    program.destroy();
    const median = [...times].sort((a, b) => a - b)[Math.floor(times.length / 2)];
    return {
      name,
      model: model.kind,
      launches: totals.steps,
      bytesMoved: totals.bytesMoved,
      allocatedBytes: totals.allocatedBytes,
      activationBytes: totals.arenaBytes.activation,
      stepsPerSecond: stepsPerBlock / median,
      firstLoss,
      gradient,
    };
  });
}

function table(title: string, [base, ...others]: readonly Variant[]): string {
  const rows = [base, ...others].map((row) =>
    [
      `  ${row.name.padEnd(16)}`,
      `${row.launches} steps`.padStart(10),
      `${(row.bytesMoved / 1e6).toFixed(1)} MB moved`.padStart(16),
      `${row.activationBytes} B activations`.padStart(24),
      `${row.allocatedBytes} B in all`.padStart(20),
      `${row.stepsPerSecond.toFixed(3)} steps/s`.padStart(16),
      `${(row.stepsPerSecond / base.stepsPerSecond).toFixed(2)}x`.padStart(7),
      `loss ${row.firstLoss}`,
      row.gradient === base.gradient ? "gradient bits equal" : "gradient bits differ",
    ].join(" ")
  );
  return [title, ...rows].join("\n");
}

const COMMAND = {
  name: "plan-options",
  summary: "What fusion, checkpointing, halves and moments on the host cost and save",
  options: {
    full: { kind: "boolean", description: "nine blocks each instead of three" },
    ...OUTPUT_OPTIONS,
  },
} as const satisfies CommandSpec<OptionSpecs>;

async function planOptions(args: readonly string[]): Promise<void> {
  const parsed = parseArguments(args, COMMAND);
  if (parsed.kind === "help") return console.log(parsed.text);
  const { full, json, out } = parsed.options;
  const blocks = full ? 9 : 3;
  const backend = await webGpuBackend();
  const results: Variant[] = [];
  const machine = machineFacts();
  const text = [
    machineLine(machine),
    `${backend.facts.adapter?.description}, preset ${backend.facts.preset}`,
  ];
  for (const model of FUSION_MODELS) {
    const rows = await compare(backend, {
      model,
      shape: { batch: 8, seqLen: 128 },
      variants: {
        "no fusion": { fusion: NO_FUSION },
        "chains": { fusion: { ...NO_FUSION, chains: true } },
        "all rules": { fusion: ALL_FUSION },
      },
      stepsPerBlock: 8,
      blocks,
    });
    results.push(...rows);
    text.push(
      table(`${model.kind}, B 8, N 128, D ${model.dModel}, L ${model.nLayers}: fusion`, rows),
    );
  }
  for (const model of LONG_MODELS) {
    const rows = await compare(backend, {
      model,
      shape: { batch: 1, seqLen: 8192 },
      variants: {
        kept: {},
        checkpointed: { checkpointing: true },
        halves: { activationStorage: "f16" },
        "checkpointed halves": { checkpointing: true, activationStorage: "f16" },
        "moments on host": { offloadMoments: true },
      },
      stepsPerBlock: 1,
      blocks,
    });
    results.push(...rows);
    text.push(
      table(`${model.kind}, B 1, N 8192, D ${model.dModel}, L ${model.nLayers}: memory`, rows),
    );
  }
  const adapter = backend.facts;
  backend.destroy();
  await handOver({ machine, adapter, results }, { json, out, text: text.join("\n") });
}

if (import.meta.main) await runMain(() => planOptions(Deno.args));
