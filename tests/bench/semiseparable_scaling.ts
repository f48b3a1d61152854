/**
 * How time and allocated memory of semiseparable_diagonal grow with N: slope of log time by log N, bytes of the
 * plan, and the same plan with bk_core alone. docs/mathematics.md §13.
 */
import { linearRegression } from "simple-statistics";
import { parseArguments } from "../../core/cli/args.ts";
import { runMain } from "../../core/cli/main.ts";
import type { CommandSpec, OptionSpecs } from "../../core/cli/option_spec.ts";
import { webGpuBackend } from "../../core/gpu/backend.ts";
import { f32 } from "../../core/graph/shape.ts";
import { Graph, type Tensor } from "../../core/graph/tensor.ts";
import {
  semiseparableRank,
  semiseparableStorage,
} from "../../core/layers/semiseparable_storage.ts";
import { bkCore } from "../../core/ops/bk_core.ts";
import { fill } from "../../core/ops/fill.ts";
import { semiseparableDiagonal } from "../../core/ops/semiseparable_diagonal.ts";
import type { BackendFacts } from "../../core/plan/backend.ts";
import { compilePlan } from "../../core/plan/compile_plan.ts";
import { gradientsOf } from "../../core/plan/differentiate.ts";
import { ARENAS } from "../../core/plan/plan.ts";
import { handOver, OUTPUT_OPTIONS, textTable } from "./bench_output.ts";
import { FENCE, type KernelCase } from "./kernel_cases.ts";
import { type MachineFacts, machineFacts, machineLine } from "./machine_facts.ts";
import { type KernelTime, timeInTurn } from "./time_replays.ts";

const COMMAND = {
  name: "semiseparable-scaling",
  summary: "Time and memory of the semiseparable diagonal for N from 2,048 to 131,072",
  options: {
    full: { kind: "boolean", description: "5 blocks of each size; else 2" },
    ...OUTPUT_OPTIONS,
  },
} as const satisfies CommandSpec<OptionSpecs>;

const LENGTHS = Array.from({ length: 7 }, (_, k) => 2 ** (11 + k));
const ETA = 0.1;

/** Whether the rank is that of the longest chain for all, or grows with N. */
type RankRule = "fixed" | "customary";

interface Scaling {
  readonly rule: RankRule;
  readonly vjp: boolean;
  /** Least-squares slope of log seconds by log N. */
  readonly slope: number;
  readonly rows: readonly Row[];
}

interface Row {
  readonly length: number;
  readonly rank: number;
  readonly time: KernelTime;
  /** All arenas of the plan. */
  readonly allocatedBytes: number;
  /** The same with bk_core alone. */
  readonly bandAllocatedBytes: number;
  /** What the numbers of U, sigma and three bands take, and a dense matrix. */
  readonly storedBytes: number;
  readonly denseBytes: number;
}

function caseOf(
  { length, rank, vjp }: { readonly length: number; readonly rank: number; readonly vjp: boolean },
): KernelCase {
  const graph = new Graph();
  const parameter = (name: string, shape: readonly number[], deviation: number): Tensor =>
    graph.parameter(name, {
      type: f32(...shape),
      initial: { kind: "normal", standardDeviation: deviation },
      decay: false,
    });
  const v = parameter("v", [1, 1, length], 1);
  const [p, eta, lambda] = [1, ETA, 0].map((value) => fill(graph, { shape: [1], value }));
  const bounds = { etaMin: ETA, pMax: 1 };
  const low = rank === 0 ? [] : [
    parameter("u", [length, rank], 1 / Math.sqrt(length)),
    parameter("sigma", [rank], 1),
  ];
  const y = rank === 0
    ? bkCore({ v, p, eta, lambda }, { mode: "bidirectional", bounds })
    : semiseparableDiagonal({ v, p, u: low[0], sigma: low[1], eta, lambda }, { bounds });
  graph.output("y", y);
  if (vjp) {
    const cotangent = parameter("cotangent", y.type.shape, 1);
    gradientsOf([{ tensor: y, cotangent }], [v, ...low])
      .forEach((gradient, k) => graph.output(`gradient${k}`, gradient));
  }
  graph.output(FENCE, fill(graph, { shape: [1], value: 1 }));
  const name = `${vjp ? "value + gradients" : "value"} N ${length} r ${rank}`;
  return { name, items: length, plan: compilePlan(graph) };
}

function allocated({ plan }: KernelCase): number {
  return ARENAS.reduce((sum, arena) => sum + plan.arenaBytes[arena], 0);
}

function rankOf(rule: RankRule, length: number): number {
  return semiseparableRank(rule === "fixed" ? LENGTHS[LENGTHS.length - 1] : length);
}

function rowOf(
  time: KernelTime,
  { length, rank, vjp }: { readonly length: number; readonly rank: number; readonly vjp: boolean },
): Row {
  const { totalBytes, denseBytes } = semiseparableStorage({ length, rank });
  return {
    length,
    rank,
    time,
    allocatedBytes: allocated(caseOf({ length, rank, vjp })),
    bandAllocatedBytes: allocated(caseOf({ length, rank: 0, vjp })),
    storedBytes: totalBytes,
    denseBytes,
  };
}

async function semiseparableScaling(args: readonly string[]): Promise<void> {
  const parsed = parseArguments(args, COMMAND);
  if (parsed.kind === "help") return console.log(parsed.text);
  const { full, json, out } = parsed.options;
  const machine = machineFacts();
  const backend = await webGpuBackend();
  const scalings: Scaling[] = [];
  for (const rule of ["fixed", "customary"] as const) {
    for (const vjp of [false, true]) {
      const shapes = LENGTHS.map((length) => ({ length, rank: rankOf(rule, length), vjp }));
      const kernels = shapes.map(caseOf);
      const times = await timeInTurn(backend, { kernels, blocks: full ? 5 : 2 });
      const points = times.map(({ items, seconds }) => [Math.log(items), Math.log(seconds.median)]);
      const rows = times.map((time, k) => rowOf(time, shapes[k]));
      scalings.push({ rule, vjp, slope: linearRegression(points).m, rows });
    }
  }
  backend.destroy();
  const result = { machine, backend: backend.facts, eta: ETA, scalings };
  await handOver(result, { json, out, text: report(result) });
}

function report({ machine, backend, scalings }: {
  readonly machine: MachineFacts;
  readonly backend: BackendFacts;
  readonly scalings: readonly Scaling[];
}): string {
  const heading = [
    "N",
    "r",
    "ms",
    "quartiles",
    "ns/N",
    "MB allocated",
    "bk_core alone",
    "MB stored",
    "MB dense",
  ];
  const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(2);
  const cells = (row: Row): readonly string[] => [
    String(row.length),
    String(row.rank),
    (1e3 * row.time.seconds.median).toFixed(2),
    `${(1e3 * row.time.seconds.low).toFixed(2)}-${(1e3 * row.time.seconds.high).toFixed(2)}`,
    row.time.nanosecondsPerItem.toFixed(0),
    megabytes(row.allocatedBytes),
    megabytes(row.bandAllocatedBytes),
    megabytes(row.storedBytes),
    megabytes(row.denseBytes),
  ];
  return [
    machineLine(machine),
    `${backend.adapter?.description}, preset ${backend.preset}`,
    ...scalings.flatMap(({ rule, vjp, slope, rows }) => [
      "",
      `${vjp ? "value and gradients" : "value"}, ${rule} rank: slope of log time ${
        slope.toFixed(3)
      }`,
      textTable([heading, ...rows.map(cells)]),
    ]),
  ].join("\n");
}

if (import.meta.main) await runMain(() => semiseparableScaling(Deno.args));
