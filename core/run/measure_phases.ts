/** Seconds of the phases of one update, by time stamps on its launches. */
import type { Batch } from "../data/cut_windows.ts";
import { DeviceError } from "../errors.ts";
import { GpuProgram } from "../gpu/gpu_program.ts";
import { sizeOf } from "../graph/shape.ts";
import type { StepInput } from "../plan/backend.ts";
import type { Plan } from "../plan/plan.ts";
import type { Trainer } from "../train/trainer.ts";
import { microBatchInputs } from "../train/training_graph.ts";
import type { PhaseSeconds } from "./training_metrics.ts";

/** Ops of the optimiser stand at the top level of the trace. */
const OPTIMIZER = /^(gradient_norm|adamw|record_metric|assign)/;
/** The first gradient of a micro-batch; sums of gradients behind it have labels like those before it. */
const BACKWARD = /_vjp(\/|$)/;

/**
 * Times the launches of one update and takes the update back. Passes cost host time and are not counted, so the
 * phases add up to less than the wall time of an update.
 *
 * @throws {DeviceError} If the program does not run on WebGPU, or the adapter has no time stamps
 */
export async function measurePhases(
  trainer: Trainer,
  at: { readonly batch: Batch; readonly from: number },
): Promise<PhaseSeconds> {
  const { program } = trainer;
  if (!(program instanceof GpuProgram)) {
    throw new DeviceError(
      "Cannot time the phases of an update: the program does not run on webgpu",
    );
  }
  const before = await trainer.save(at.from);
  try {
    // The first update compiles and faults memory in.
    await trainer.advance(() => at.batch, { from: at.from, to: at.from + 1 });
    const launches = await program.profile(profileInputs(program.plan, at.batch));
    const seconds = { forward: 0, backward: 0, optimizer: 0 };
    let phase: keyof PhaseSeconds = "forward";
    for (const { label, seconds: took } of launches) {
      phase = phaseOf(label, { before: phase, first: launches[0].label });
      seconds[phase] += took;
    }
    return seconds;
  } finally {
    trainer.restore(before);
  }
}

/** The tokens of a batch; everything else is zero, since the update is taken back. */
function profileInputs(plan: Plan, { tokens, targets }: Batch): StepInput {
  const inputs = Object.fromEntries([...plan.inputs].map(([name, index]) => {
    const { dtype, shape } = plan.tensors[index].type;
    return [
      name,
      dtype === "i32" ? new Int32Array(sizeOf(shape)) : new Float32Array(sizeOf(shape)),
    ];
  }));
  for (let index = 0;; index++) {
    const names = microBatchInputs(index);
    const size = inputs[names.tokens]?.length;
    if (size === undefined) return inputs;
    inputs[names.tokens] = tokens.subarray(index * size, (index + 1) * size);
    inputs[names.targets] = targets.subarray(index * size, (index + 1) * size);
  }
}

/** Every micro-batch begins with the same launch; what comes between is of the phase before it. */
function phaseOf(label: string, { before, first }: {
  readonly before: keyof PhaseSeconds;
  readonly first: string;
}): keyof PhaseSeconds {
  if (OPTIMIZER.test(label)) return "optimizer";
  if (BACKWARD.test(label)) return "backward";
  return label === first ? "forward" : before;
}
