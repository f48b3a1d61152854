/** Plans whose launches are cut in small parts, and their comparison with the same plans uncut. */
import { assert, assertEquals } from "@std/assert";
import { planNeeds } from "../../../core/gpu/needs.ts";
import { webGpuBackend } from "../../../core/gpu/backend.ts";
import type { Op, Preset, Trial } from "../../../core/graph/op.ts";
import { f32 } from "../../../core/graph/shape.ts";
import type { Graph, Tensor } from "../../../core/graph/tensor.ts";
import { add } from "../../../core/ops/add.ts";
import { multiply } from "../../../core/ops/multiply.ts";
import type { Backend, StepInput } from "../../../core/plan/backend.ts";
import { compilePlan } from "../../../core/plan/compile_plan.ts";
import type { Plan } from "../../../core/plan/plan.ts";
import { runTrial, traceTrial, trialValues } from "../_trials.ts";

const PRESETS = ["software-adapter", "gpu"] as const satisfies readonly Preset[];
/** One of each preset for a whole file. */
export const backends: readonly { readonly preset: Preset; readonly backend: Backend }[] =
  await Promise
    .all(PRESETS.map(async (preset) => ({ preset, backend: await webGpuBackend({ preset }) })));
globalThis.addEventListener("unload", () => backends.forEach(({ backend }) => backend.destroy()));

/** Every binding that can be cut has at most this many bytes: 64 numbers. */
export const SMALL = { maxBindingBytes: 256 };

/** The plan with every launch that can be cut in small parts. */
export function inShards(plan: Plan, limits = SMALL): Plan {
  const cut = (op: Op): Op => ({
    ...op,
    lower: { webgpu: (site, preset) => op.lower.webgpu(site, preset, limits) },
  });
  return { ...plan, steps: plan.steps.map((step) => ({ ...step, op: cut(step.op) })) };
}

/** Whether the trial is cut on any adapter, with the same bits in all results and gradients. */
export async function assertShardsAgree(op: Op, trial: Trial, limits = SMALL): Promise<boolean> {
  const traced = traceTrial(op, trial);
  const plan = inShards(traced.plan, limits);
  let isCut = false;
  for (const { preset, backend } of backends) {
    if (launchesOf(plan, preset) === launchesOf(traced.plan, preset)) continue;
    isCut = true;
    const whole = await runTrial(traced, backend);
    assertEquals(await runTrial({ ...traced, plan }, backend), whole, trial.name);
  }
  return isCut;
}

/** Launches of a plan. */
export function launchesOf(plan: Plan, preset: Preset): number {
  return planNeeds(plan, preset).launches;
}

async function valuesOf(graph: Graph, plan: Plan, backend: Backend) {
  const program = await backend.compile(plan);
  try {
    const step: StepInput = Object.fromEntries(
      graph.inputs.map(({ label, type }) => [label, trialValues({ type, law: "normal" }, label)]),
    );
    program.step(step);
    return await program.read("y");
  } finally {
    program.destroy();
  }
}

/** The graph's output "y" has the same bits from so many small launches. */
export async function assertSameBits(graph: Graph, launches: number): Promise<void> {
  const plan = compilePlan(graph);
  for (const { preset, backend } of backends) {
    assertEquals(launchesOf(inShards(plan), preset), launches);
    const whole = await valuesOf(graph, plan, backend);
    assert(new Set(whole).size > whole.length / 2, "values that cannot be told apart");
    assertEquals(await valuesOf(graph, inShards(plan), backend), whole);
  }
}

/** value row column + residual, of which shards of the value read different parts. */
export function tailed(value: Tensor): Tensor {
  const { graph, type: { shape: [rows, columns] } } = value;
  const scaled = multiply(value, graph.input("row", f32(columns)));
  const gated = multiply(scaled, graph.input("column", f32(rows, 1)));
  return add(gated, graph.input("residual", f32(rows, columns)));
}
