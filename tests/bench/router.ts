/**
 * What routing costs: the scattering phase and its route against a learned gate of D x E, on the same tokens. The
 * phase is computed from a Green function that the block has anyway; the pivots of v = 0 are counted.
 */
import { parseArguments } from "../../core/cli/args.ts";
import { runMain } from "../../core/cli/main.ts";
import type { CommandSpec, OptionSpecs } from "../../core/cli/option_spec.ts";
import { webGpuBackend } from "../../core/gpu/backend.ts";
import { f32, type Shape } from "../../core/graph/shape.ts";
import { Graph, type Tensor } from "../../core/graph/tensor.ts";
import { gateRouter } from "../../core/layers/gate_router.ts";
import { phaseRouter, scatteringPhase } from "../../core/layers/scattering_router.ts";
import type { Routing } from "../../core/layers/routing.ts";
import { fill } from "../../core/ops/fill.ts";
import { compilePlan } from "../../core/plan/compile_plan.ts";
import { gradientsOf } from "../../core/plan/differentiate.ts";
import { handOver, OUTPUT_OPTIONS, textTable } from "./bench_output.ts";
import { FENCE, type KernelCase } from "./kernel_cases.ts";
import { machineFacts, machineLine } from "./machine_facts.ts";
import { type KernelTime, timeInTurn } from "./time_replays.ts";

const COMMAND = {
  name: "router",
  summary: "Time of the scattering router over the time of a gate, forward and with gradients",
  options: {
    full: { kind: "boolean", description: "9 blocks per case; else 3" },
    ...OUTPUT_OPTIONS,
  },
} as const satisfies CommandSpec<OptionSpecs>;

/** B N = 8192 tokens. */
const [BATCH, LENGTH] = [8, 1024];
const [WIDTH, EXPERTS, CHOICES] = [128, 8, 2];
const ETA = 0.3;

function normal(graph: Graph, name: string, shape: Shape): Tensor {
  const initial = { kind: "normal", standardDeviation: 1 } as const;
  return graph.parameter(name, { type: f32(...shape), initial, decay: false });
}

interface Traced {
  readonly routing: Routing;
  /** What a router passes gradients to. */
  readonly sources: readonly Tensor[];
}

/** `train`: with the gradient of the weights, and for the quantiles their update. */
function routerCase(
  name: string,
  trace: (graph: Graph, purpose: "train" | "evaluate") => Traced,
  purpose: "train" | "evaluate",
): KernelCase {
  const graph = new Graph();
  const { routing: { choice }, sources } = trace(graph, purpose);
  graph.output("weights", choice.weights);
  if (choice.kind === "some") graph.output("indices", choice.indices);
  if (purpose === "train") {
    const cotangent = normal(graph, "cotangent", choice.weights.type.shape);
    gradientsOf([{ tensor: choice.weights, cotangent }], sources)
      .forEach((gradient, index) => graph.output(`gradient${index}`, gradient));
  }
  graph.output(FENCE, fill(graph, { shape: [1], value: 1 }));
  return { name: `${name}, ${purpose}`, items: BATCH * LENGTH, plan: compilePlan(graph) };
}

function gate(graph: Graph, purpose: "train" | "evaluate"): Traced {
  const x = normal(graph, "x", [BATCH * LENGTH, WIDTH]);
  const options = { numExperts: EXPERTS, topK: CHOICES, gumbel: 0, purpose };
  const routing = gateRouter(x, options);
  return { routing, sources: [x, ...graph.parameters.filter(({ label }) => label === "gate")] };
}

function scattering(heads: number): (graph: Graph, purpose: "train" | "evaluate") => Traced {
  return (graph, purpose) => {
    const g = normal(graph, "g", [BATCH, heads, LENGTH, 2]);
    const phase = scatteringPhase(g, {
      eta: fill(graph, { shape: [heads], value: ETA }),
      p: fill(graph, { shape: [1], value: 1 }),
      lambda: fill(graph, { shape: [1], value: 0 }),
      a: -2,
      bounds: { etaMin: ETA, pMax: 1 },
      purpose,
    });
    const options = { numExperts: EXPERTS, topK: CHOICES, law: "quantile", purpose } as const;
    return { routing: phaseRouter(phase, options), sources: [g] };
  };
}

async function router(args: readonly string[]): Promise<void> {
  const parsed = parseArguments(args, COMMAND);
  if (parsed.kind === "help") return console.log(parsed.text);
  const { full, json, out } = parsed.options;
  const machine = machineFacts();
  const backend = await webGpuBackend();
  const times: KernelTime[] = [];
  for (const purpose of ["evaluate", "train"] as const) {
    const kernels = [
      routerCase("gate", gate, purpose),
      ...[1, 4, 16].map((heads) =>
        routerCase(`scattering, ${heads} channels`, scattering(heads), purpose)
      ),
    ];
    times.push(...await timeInTurn(backend, { kernels, blocks: full ? 9 : 3 }));
  }
  backend.destroy();
  const perGate = times.map(({ name, seconds }) => {
    const gateTime = times.find((time) => time.name === `gate, ${name.split(", ").at(-1)}`)!;
    return { name, seconds, overGate: seconds.median / gateTime.seconds.median };
  });
  const rows = perGate.map(({ name, seconds, overGate }) => [
    name,
    (1e3 * seconds.median).toFixed(3),
    `${(1e3 * seconds.low).toFixed(3)}-${(1e3 * seconds.high).toFixed(3)}`,
    overGate.toFixed(2),
  ]);
  const size = `${BATCH} x ${LENGTH} tokens, D ${WIDTH}, E ${EXPERTS}, K ${CHOICES}`;
  const text = [
    machineLine(machine),
    size,
    "",
    textTable([["router", "ms", "quartiles", "over gate"], ...rows]),
  ].join("\n");
  await handOver({ machine, backend: backend.facts, size, routers: perGate }, { json, out, text });
}

if (import.meta.main) await runMain(() => router(Deno.args));
