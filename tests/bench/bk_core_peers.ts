/**
 * BK-Core forward and gradients against other ways to compute it: time per position, ratios, agreement of the
 * values, and how flat our time per position is when N grows at constant B N.
 */
import { parseArguments } from "../../core/cli/args.ts";
import { runMain } from "../../core/cli/main.ts";
import type { CommandSpec, OptionSpecs } from "../../core/cli/option_spec.ts";
import { webGpuBackend } from "../../core/gpu/backend.ts";
import type { Backend } from "../../core/plan/backend.ts";
import { initialParameters } from "../../core/train/initial_parameters.ts";
import { handOver, OUTPUT_OPTIONS, textTable } from "./bench_output.ts";
import { bkCoreLoop, type ChainValues } from "./bk_core_loop.ts";
import { bkCase, bkStepCase, CORES_PER_STEP, FLATNESS_SHAPES } from "./kernel_cases.ts";
import { type MachineFacts, machineFacts, machineLine } from "./machine_facts.ts";
import { type Quartiles, quartiles } from "./quartiles.ts";
import { type KernelTime, timeInTurn, timeKernel } from "./time_replays.ts";

const COMMAND = {
  name: "bk-core-peers",
  summary: "Compares BK-Core with a tensor program in PyTorch, a plain loop and a NumPy scan",
  options: {
    full: { kind: "boolean", description: "9 repetitions; else 3" },
    python: { kind: "string", default: "python3", description: "interpreter with numpy and torch" },
    ...OUTPUT_OPTIONS,
  },
} as const satisfies CommandSpec<OptionSpecs>;

const BATCH = 8;
const N = 2048;
const SETTINGS = { a: -2, p: 1, eta: 0.5, n: N } as const;

/** One way to compute it. */
interface Row {
  readonly name: string;
  readonly seconds: Quartiles;
  readonly nanosecondsPerPosition: number;
  /** Its time per position over ours, forward and gradients. */
  readonly overOurs: number;
  /** Largest difference of g, and of dv where it is computed, from the f64 loop. */
  readonly difference: number;
}

interface PythonTime {
  readonly version: string;
  readonly seconds: readonly number[];
}
interface PythonReport {
  readonly numpy: PythonTime;
  readonly pivots?: PythonTime;
  readonly determinants?: PythonTime;
  readonly published?: PythonTime;
  readonly torchError?: string;
}

async function bkCorePeers(args: readonly string[]): Promise<void> {
  const parsed = parseArguments(args, COMMAND);
  if (parsed.kind === "help") return console.log(parsed.text);
  const { full, python, json, out } = parsed.options;
  const repetitions = full ? 9 : 3;
  const machine = machineFacts();
  const backend = await webGpuBackend();
  const kernel = bkCase([BATCH, N], { vjp: true, eta: SETTINGS.eta });
  const ours = await timeKernel(backend, { kernel, blocks: repetitions });
  const inStep = await timeKernel(backend, {
    kernel: bkStepCase([BATCH, N], SETTINGS.eta),
    blocks: repetitions,
  });
  const values = await valuesOnDevice(backend);
  const flatness = await timeInTurn(backend, {
    kernels: FLATNESS_SHAPES.map((shape) => bkCase(shape, { vjp: true, eta: SETTINGS.eta })),
    blocks: repetitions,
  });
  backend.destroy();
  const loop = timeLoop(values, repetitions);
  const outside = await runPython(values, { python, repetitions });
  const perCore = eachOf(inStep.seconds, CORES_PER_STEP);
  const baseline = perCore.median;
  const rows = [
    rowOf(`ours, forward + gradients, one of ${CORES_PER_STEP} in a step`, {
      seconds: perCore,
      baseline,
      difference: values.error,
    }),
    rowOf("ours, forward + gradients, with a submission of its own", {
      seconds: ours.seconds,
      baseline,
      difference: values.error,
    }),
    rowOf("f64 loop in TypeScript, forward + gradients", {
      seconds: loop,
      baseline,
      difference: 0,
    }),
    ...outside.measured.map(({ name, seconds, difference }) =>
      rowOf(name, { seconds: quartiles(seconds), baseline, difference })
    ),
  ];
  const perPosition = flatness.map((time) => time.nanosecondsPerItem);
  const result = {
    machine,
    adapter: backend.facts,
    batch: BATCH,
    n: N,
    rows,
    notRun: outside.notRun,
    flatness,
    flatnessRatio: Math.max(...perPosition) / Math.min(...perPosition),
  };
  await handOver(result, { json, out, text: report(result) });
}

/** Time of one of `parts` equal parts. */
function eachOf({ median, low, high, count }: Quartiles, parts: number): Quartiles {
  return { median: median / parts, low: low / parts, high: high / parts, count };
}

function rowOf(
  name: string,
  at: { readonly seconds: Quartiles; readonly baseline: number; readonly difference: number },
): Row {
  const { seconds, baseline, difference } = at;
  return {
    name,
    seconds,
    nanosecondsPerPosition: (seconds.median / (BATCH * N)) * 1e9,
    overOurs: seconds.median / baseline,
    difference,
  };
}

interface DeviceValues extends ChainValues {
  /** Largest difference of g and dv between device and loop. */
  readonly error: number;
}

/** The operands that the device computes with, and how far its results are from the loop's. */
async function valuesOnDevice(backend: Backend): Promise<DeviceValues> {
  const { plan } = bkCase([BATCH, N], { vjp: true, eta: SETTINGS.eta });
  const program = await backend.compile(plan);
  const arena = initialParameters(plan, 3);
  program.write("param", arena);
  program.step({});
  const operand = (name: string, size: number): Float64Array => {
    const found = plan.parameters.find((parameter) => parameter.name === name);
    if (!found) throw new Error(`The plan has no operand "${name}"`);
    const first = plan.tensors[found.tensor].byteOffset / 4;
    return Float64Array.from(arena.subarray(first, first + size));
  };
  const size = BATCH * N;
  const values = {
    v: operand("v", size),
    w: operand("cotangent", 2 * size),
    g: new Float64Array(2 * size),
    dv: new Float64Array(size),
  };
  bkCoreLoop(values, SETTINGS);
  const error = Math.max(
    largestDifference(await program.read("y"), values.g),
    largestDifference(await program.read("gradient0"), values.dv),
  );
  program.destroy();
  return { ...values, error };
}

function largestDifference(a: Float64Array, b: Float64Array): number {
  if (a.length !== b.length) throw new RangeError(`Cannot compare ${a.length} with ${b.length}`);
  return a.reduce((most, value, index) => Math.max(most, Math.abs(value - b[index])), 0);
}

/** Blocks of calls, long enough for the clock; the first block lets the compiler warm up. */
function timeLoop(values: ChainValues, repetitions: number): Quartiles {
  const calls = 200;
  const block = (): number => {
    const start = performance.now();
    for (let call = 0; call < calls; call++) bkCoreLoop(values, SETTINGS);
    return (performance.now() - start) / 1000 / calls;
  };
  block();
  return quartiles(Array.from({ length: repetitions }, block));
}

interface Outside {
  readonly measured: readonly {
    readonly name: string;
    readonly seconds: readonly number[];
    readonly difference: number;
  }[];
  readonly notRun: readonly string[];
}

/** Runs the programs in Python; what cannot run is named with its reason. */
async function runPython(
  values: ChainValues,
  { python, repetitions }: { readonly python: string; readonly repetitions: number },
): Promise<Outside> {
  const folder = await Deno.makeTempDir({ prefix: "bk-core-" });
  try {
    await Deno.writeFile(`${folder}/v.f64`, bytesOf(values.v));
    await Deno.writeFile(`${folder}/w.f64`, bytesOf(values.w));
    const { a, p, eta } = SETTINGS;
    const script = new URL("bk_core_recursions.py", import.meta.url).pathname;
    const command = new Deno.Command(python, {
      args: [script, folder, ...[BATCH, N, a, p, eta, repetitions].map(String)],
    });
    const { success, stdout, stderr } = await command.output();
    if (!success) return { measured: [], notRun: [new TextDecoder().decode(stderr).trim()] };
    const report = JSON.parse(new TextDecoder().decode(stdout)) as PythonReport;
    const read = async (name: string): Promise<Float64Array> =>
      new Float64Array((await Deno.readFile(`${folder}/${name}.f64`)).buffer);
    return await outsideRows(report, { values, read });
  } catch (error) {
    return {
      measured: [],
      notRun: [`${python}: ${error instanceof Error ? error.message : error}`],
    };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function outsideRows(report: PythonReport, at: {
  readonly values: ChainValues;
  readonly read: (name: string) => Promise<Float64Array>;
}): Promise<Outside> {
  const { values: { g, dv }, read } = at;
  const { numpy, pivots, determinants, published, torchError } = report;
  const measured = [{
    name: `NumPy ${numpy.version} scan over the batch, forward + gradients`,
    seconds: numpy.seconds,
    difference: Math.max(
      largestDifference(await read("g_numpy"), g),
      largestDifference(await read("dv_numpy"), dv),
    ),
  }];
  if (!pivots || !determinants || !published) {
    return { measured, notRun: [`PyTorch: ${torchError}`] };
  }
  measured.push({
    name: `PyTorch ${pivots.version} pivots step by step, forward alone`,
    seconds: pivots.seconds,
    difference: largestDifference(await read("g_pivots"), g),
  });
  // The two cores agree at the last position of every chain and nowhere else.
  const last = (all: Float64Array): Float64Array =>
    all.filter((_, index) => index % (2 * N) >= 2 * N - 2);
  measured.push({
    name: `PyTorch ${determinants.version} rescaled determinants step by step, forward alone`,
    seconds: determinants.seconds,
    difference: largestDifference(last(await read("g_determinants")), last(g)),
  });
  measured.push({
    name: `PyTorch ${published.version} recursion as published, step by step, forward alone`,
    seconds: published.seconds,
    difference: largestDifference(last(await read("g_published")), last(g)),
  });
  return { measured, notRun: [] };
}

function bytesOf({ buffer }: Float64Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(buffer as ArrayBuffer);
}

function report({ machine, adapter, rows, notRun, flatness, flatnessRatio }: {
  readonly machine: MachineFacts;
  readonly adapter: Backend["facts"];
  readonly rows: readonly Row[];
  readonly notRun: readonly string[];
  readonly flatness: readonly KernelTime[];
  readonly flatnessRatio: number;
}): string {
  const heading = [`B ${BATCH}, N ${N}, H 1`, "ms", "ns/position", "over ours", "difference"];
  const table = rows.map((row) => [
    row.name,
    (1e3 * row.seconds.median).toFixed(3),
    row.nanosecondsPerPosition.toFixed(1),
    row.overOurs.toFixed(2),
    row.difference.toExponential(1),
  ]);
  const flat = flatness.map(({ name, seconds, nanosecondsPerItem }) => [
    name,
    (1e3 * seconds.median).toFixed(3),
    nanosecondsPerItem.toFixed(2),
  ]);
  return [
    machineLine(machine),
    `${adapter.adapter?.description}, preset ${adapter.preset}`,
    "",
    textTable([heading, ...table]),
    ...notRun.map((reason) => `not run: ${reason}`),
    "",
    textTable([["constant B N", "ms", "ns/position"], ...flat]),
    `largest over smallest time per position: ${flatnessRatio.toFixed(2)}`,
  ].join("\n");
}

if (import.meta.main) await runMain(() => bkCorePeers(Deno.args));
