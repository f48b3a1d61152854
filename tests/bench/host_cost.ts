/**
 * What a training step costs the host: microseconds per dispatch to encode, finish and submit, and with the upload;
 * submits per step, and growth of resident memory over a thousand steps.
 */
import { linearRegression } from "simple-statistics";
import { parseArguments } from "../../core/cli/args.ts";
import { runMain } from "../../core/cli/main.ts";
import type { CommandSpec, OptionSpecs } from "../../core/cli/option_spec.ts";
import { webGpuBackend } from "../../core/gpu/backend.ts";
import type { Backend, Program } from "../../core/plan/backend.ts";
import { initialParameters } from "../../core/train/initial_parameters.ts";
import { RING_SLOTS } from "../../core/train/metric_columns.ts";
import {
  microBatchInputs,
  type TrainingGraphOptions,
  trainingPlan,
} from "../../core/train/training_graph.ts";
import { handOver, OUTPUT_OPTIONS, textTable } from "./bench_output.ts";
import { bareDispatches } from "./bare_dispatches.ts";
import { caseTrainingOptions } from "./case_model.ts";
import { countCalls, type DeviceCalls, encodingTime } from "./device_calls.ts";
import { type MachineFacts, machineFacts, machineLine } from "./machine_facts.ts";
import { type Quartiles, quartiles } from "./quartiles.ts";

const COMMAND = {
  name: "host-cost",
  summary: "Host time per dispatch, submits per step, memory growth over steps",
  options: {
    full: {
      kind: "boolean",
      description: "the thousand steps train the benchmark's GPT, not a tiny one",
    },
    steps: {
      kind: "number",
      integer: true,
      minimum: 160,
      default: 1000,
      description: "of the growth",
    },
    ...OUTPUT_OPTIONS,
  },
} as const satisfies CommandSpec<OptionSpecs>;

/** Has the same kinds of launches as the benchmark's GPT, and is quick on a software adapter. */
const TINY: TrainingGraphOptions = {
  ...caseTrainingOptions(),
  model: { kind: "transformer", dModel: 16, nLayers: 2, nHeads: 2, tieHead: false },
  shape: { batch: 1, seqLen: 16 },
  vocabularySize: 32,
};
const TIMED_STEPS = 48;
/** Share of the steps that is left out of the slope: caches fill and the heap finds its size. */
const SETTLING = 0.25;

interface HostCost {
  readonly planSteps: number;
  readonly calls: DeviceCalls;
  /** Microseconds per dispatch to encode, finish and submit, the device being idle. */
  readonly encoding: Quartiles;
  /** The same of the whole `step` call, which also uploads the inputs. */
  readonly wholeStep: Quartiles;
}

interface MemoryGrowth {
  readonly steps: number;
  readonly firstBytes: number;
  readonly lastBytes: number;
  /** Least-squares slope over 1,000 steps, and its standard error. */
  readonly slopeBytes: number;
  readonly errorBytes: number;
  /** Standard deviation of the samples around the line. */
  readonly residualBytes: number;
}

async function hostCost(args: readonly string[]): Promise<void> {
  const parsed = parseArguments(args, COMMAND);
  if (parsed.kind === "help") return console.log(parsed.text);
  const { full, steps, json, out } = parsed.options;
  const machine = machineFacts();
  const bare = await bareDispatches();
  const backend = await webGpuBackend();
  const gpt = caseTrainingOptions();
  const cost = await withProgram(backend, gpt, encodingCost);
  const tiny = await withProgram(backend, TINY, encodingCost);
  const growth = await withProgram(backend, full ? gpt : TINY, (run) => growths(run, steps));
  backend.destroy();
  const result = { machine, backend: backend.facts, bare, gpt: cost, tiny, ...growth };
  await handOver(result, { json, out, text: report(result) });
}

/** A compiled training step that can be called without arguments. */
interface Run {
  readonly program: Program;
  readonly step: (index: number) => void;
}

async function withProgram<T>(
  backend: Backend,
  options: TrainingGraphOptions,
  body: (run: Run) => Promise<T>,
): Promise<T> {
  const plan = trainingPlan(options);
  const program = await backend.compile(plan);
  program.write("param", initialParameters(plan, 1));
  const size = options.shape.batch * options.shape.seqLen;
  const ids = Int32Array.from({ length: size }, (_, index) => index % options.vocabularySize);
  const names = microBatchInputs(0);
  const schedule = Float32Array.of(1e-4, 1, 1);
  const step = (index: number): void | Promise<void> =>
    program.step({
      [names.tokens]: ids,
      [names.targets]: ids,
      schedule,
      slot: Int32Array.of(index % RING_SLOTS),
    });
  try {
    return await body({ program, step });
  } finally {
    program.destroy();
  }
}

async function encodingCost({ program, step }: Run): Promise<HostCost> {
  const once = async (): Promise<{ readonly encoding: number; readonly wholeStep: number }> => {
    const start = performance.now();
    const encoding = encodingTime(() => step(0));
    const wholeStep = 1e3 * (performance.now() - start);
    await program.readArenas(["metric"]);
    return { encoding, wholeStep };
  };
  for (let index = 0; index < 4; index++) await once();
  const calls = countCalls(() => step(0));
  await program.readArenas(["metric"]);
  const times = [];
  for (let index = 0; index < TIMED_STEPS; index++) times.push(await once());
  return {
    planSteps: program.plan.steps.length,
    calls,
    encoding: quartiles(times.map(({ encoding }) => encoding / calls.dispatches)),
    wholeStep: quartiles(times.map(({ wholeStep }) => wholeStep / calls.dispatches)),
  };
}

interface Growths {
  /** As users meet it: V8 frees the small objects of a submission when it sees fit. */
  readonly asItRuns: MemoryGrowth;
  /** With a collection before each sample, so that only what is really kept counts; null without --expose-gc. */
  readonly collected: MemoryGrowth | null;
}

async function growths(run: Run, steps: number): Promise<Growths> {
  const asItRuns = await memoryGrowth(run, { steps, settle: () => {} });
  const { gc } = globalThis as { readonly gc?: () => void };
  return { asItRuns, collected: gc ? await memoryGrowth(run, { steps, settle: gc }) : null };
}

async function memoryGrowth(
  { program, step }: Run,
  { steps, settle }: { readonly steps: number; readonly settle: () => void },
): Promise<MemoryGrowth> {
  const samples: (readonly [step: number, bytes: number])[] = [];
  for (let index = 0; index < steps; index++) {
    step(index);
    if ((index + 1) % RING_SLOTS > 0) continue;
    await program.readArenas(["metric"]);
    settle();
    samples.push([index + 1, Deno.memoryUsage().rss]);
  }
  const settled = samples.filter(([at]) => at >= SETTLING * steps);
  const { m, b } = linearRegression(settled.map(([x, y]) => [x, y]));
  const mean = settled.reduce((sum, [x]) => sum + x, 0) / settled.length;
  const spread = settled.reduce((sum, [x]) => sum + (x - mean) ** 2, 0);
  const squares = settled.reduce((sum, [x, y]) => sum + (y - m * x - b) ** 2, 0);
  const residualBytes = Math.sqrt(squares / (settled.length - 2));
  return {
    steps,
    firstBytes: settled[0][1],
    lastBytes: settled[settled.length - 1][1],
    slopeBytes: 1000 * m,
    errorBytes: (1000 * residualBytes) / Math.sqrt(spread),
    residualBytes,
  };
}

function report({ machine, backend, bare, gpt, tiny, asItRuns, collected }: {
  readonly machine: MachineFacts;
  readonly backend: Backend["facts"];
  readonly bare: Quartiles;
  readonly gpt: HostCost;
  readonly tiny: HostCost;
} & Growths): string {
  const heading = [
    ...["step", "plan steps", "dispatches", "submits"],
    ...["us/dispatch, encoding", "quartiles", "whole step"],
  ];
  const row = (
    name: string,
    { planSteps, calls, encoding, wholeStep }: HostCost,
  ): readonly string[] => [
    name,
    String(planSteps),
    String(calls.dispatches),
    String(calls.submits),
    encoding.median.toFixed(2),
    quartilesOf(encoding),
    wholeStep.median.toFixed(2),
  ];
  return [
    machineLine(machine),
    `${backend.adapter?.description}, preset ${backend.preset}`,
    "",
    textTable([
      heading,
      row("benchmark's GPT", gpt),
      row("tiny GPT", tiny),
      ["WebGPU alone", "", "1000", "1", bare.median.toFixed(2), quartilesOf(bare), ""],
    ]),
    `the counted step of the GPT: finish ${gpt.calls.finishMicroseconds.toFixed(0)} us, ` +
    `submit ${gpt.calls.submitMicroseconds.toFixed(0)} us`,
    "",
    growthLine("as it runs", asItRuns),
    collected
      ? growthLine("with a collection before each sample", collected)
      : "with a collection before each sample: not measured, needs --v8-flags=--expose-gc",
  ].join("\n");
}

function quartilesOf({ low, high }: Quartiles): string {
  return `${low.toFixed(2)}-${high.toFixed(2)}`;
}

function growthLine(name: string, growth: MemoryGrowth): string {
  const { steps, slopeBytes, errorBytes, firstBytes, lastBytes, residualBytes } = growth;
  const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(2);
  return `resident memory over ${steps} steps, ${name}: slope ${
    megabytes(slopeBytes)
  } MB per 1,000 ` +
    `steps, standard error ${megabytes(errorBytes)}; from ${megabytes(firstBytes)} to ` +
    `${megabytes(lastBytes)} MB after settling, noise ${megabytes(residualBytes)} MB`;
}

if (import.meta.main) await runMain(() => hostCost(Deno.args));
