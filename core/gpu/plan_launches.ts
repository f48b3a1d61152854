/** From a plan to its launches in plain data: what every kernel binds and how large its grid is. */
import { HarnessError } from "../errors.ts";
import type { Binding, Cost, Dispatch, Preset, Site } from "../graph/op.ts";
import type { PlacedTensor, Plan, PlanStep } from "../plan/plan.ts";

/** Part of a tensor that a kernel binds; `offset` counts from the start of the tensor's arena. */
export interface BoundRange {
  readonly tensor: PlacedTensor;
  /** Bytes. */
  readonly offset: number;
  /** Bytes. */
  readonly size: number;
}

/** One launch before there is a device. */
export interface PlannedLaunch {
  /** Index of the plan's step. */
  readonly step: number;
  /** Path in the model. */
  readonly label: string;
  /** Shader and entry point, "matmul/rows_8". */
  readonly kernel: string;
  readonly dispatch: Dispatch;
  /** Storage bindings 0, 1, … */
  readonly ranges: readonly BoundRange[];
  /** Arithmetic and traffic of the step, divided evenly over its launches. */
  readonly cost: Cost;
  /** Most loop rounds of one invocation; 0 where they do not grow with sizes. */
  readonly rounds: number;
}

/** Lowers every step of a plan. @throws {HarnessError} If a kernel would bind the same bytes twice */
export function planLaunches(plan: Plan, preset: Preset): readonly PlannedLaunch[] {
  return plan.steps.flatMap((step, index) => {
    const site = siteOf(plan, step);
    const dispatches = step.op.lower.webgpu(site, preset);
    const rounds = step.op.rounds?.(site) ?? 0;
    const { flops, bytes } = step.op.cost(site);
    const cost = { flops: flops / dispatches.length, bytes: bytes / dispatches.length };
    // An empty tensor needs no launch, and a shader may not be specialised to a size of 0.
    const launched = dispatches.filter((dispatch) => dispatch.workgroups > 0);
    return launched.map((dispatch): PlannedLaunch => {
      const ranges = dispatch.bindings.map((binding) => rangeOf(plan, { step, binding }));
      assertDisjoint(ranges, step.label);
      const kernel = `${dispatch.shader}/${dispatch.entryPoint}`;
      return { step: index, label: step.label, kernel, dispatch, ranges, cost, rounds };
    });
  });
}

function siteOf(plan: Plan, step: PlanStep): Site {
  return {
    inputs: step.reads.map((index) => plan.tensors[index].type),
    outputs: step.writes.map((index) => plan.tensors[index].type),
    attributes: step.attributes,
  };
}

function rangeOf(
  plan: Plan,
  { step, binding }: { readonly step: PlanStep; readonly binding: Binding },
): BoundRange {
  const lists = { input: step.reads, output: step.writes, scratch: step.scratch };
  const tensor = plan.tensors[lists[binding.role][binding.index]];
  const start = binding.byteOffset ?? 0;
  return {
    tensor,
    offset: tensor.byteOffset + start,
    size: binding.byteLength ?? tensor.byteLength - start,
  };
}

/** Two writable bindings of one range are invalid in WebGPU; say which tensors, not which buffer. */
function assertDisjoint(ranges: readonly BoundRange[], label: string): void {
  ranges.forEach((a, i) => {
    for (const b of ranges.slice(i + 1)) {
      const same = a.tensor.arena === b.tensor.arena;
      if (same && a.offset < b.offset + b.size && b.offset < a.offset + a.size) {
        throw new HarnessError(
          `Cannot launch "${label}": tensors "${a.tensor.label}" and "${b.tensor.label}" share memory`,
        );
      }
    }
  });
}
