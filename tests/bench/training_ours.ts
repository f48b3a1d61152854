/** Our engine in the side-by-side benchmark; the last argument "unfused" switches all fusion off. */
import { webGpuBackend } from "../../core/gpu/backend.ts";
import { ALL_FUSION, NO_FUSION } from "../../core/plan/fuse.ts";
import type { Program } from "../../core/plan/backend.ts";
import { initialParameters } from "../../core/train/initial_parameters.ts";
import { METRIC_COLUMNS, METRIC_WIDTH, RING_SLOTS } from "../../core/train/metric_columns.ts";
import { microBatchInputs, trainingPlan } from "../../core/train/training_graph.ts";
import { CASE_SEED, trainingOptions } from "./case_model.ts";
import { type OpenTool, runPeer, type TrainingTool } from "./run_protocol.ts";
import { type LoadedCase, updateFactors, valuesOf } from "./training_case.ts";

async function open(task: LoadedCase, [mode]: readonly string[]): Promise<OpenTool> {
  const backend = await webGpuBackend();
  const fusion = mode === "unfused" ? NO_FUSION : ALL_FUSION;
  const plan = trainingPlan({ ...trainingOptions(task), fusion });
  const program = await backend.compile(plan);
  program.write("param", initialParameters(plan, CASE_SEED));
  const { adapter, preset } = backend.facts;
  return {
    tool: toolOf(program, {
      task,
      release: () => {
        program.destroy();
        backend.destroy();
      },
    }),
    facts: {
      version: `plan ${plan.digest.slice(0, 12)}`,
      device: `webgpu, ${adapter?.description}, preset ${preset}, ${plan.steps.length} steps`,
    },
  };
}

function toolOf(
  program: Program,
  { task, release }: { readonly task: LoadedCase; readonly release: () => void },
): TrainingTool {
  const names = microBatchInputs(0);
  let last = 0;
  return {
    step: (index) => {
      const { tokens, targets } = task.batchOf(index);
      const { correction1, correction2 } = updateFactors(task.optimiser, index + 1);
      program.step({
        [names.tokens]: tokens,
        [names.targets]: targets,
        schedule: Float32Array.of(task.optimiser.learningRate, correction1, correction2),
        slot: Int32Array.of(index % RING_SLOTS),
      });
      last = index;
    },
    readLoss: async () => {
      const [ring] = await program.readArenas(["metric"]);
      return ring[(last % RING_SLOTS) * METRIC_WIDTH + METRIC_COLUMNS.loss];
    },
    readParameters: async () => {
      const [arena] = await program.readArenas(["param"]);
      return inCaseOrder(program, { arena, task });
    },
    destroy: release,
  };
}

/** Drops the padding between parameters. */
function inCaseOrder(
  { plan }: Program,
  { arena, task }: { readonly arena: Float32Array; readonly task: LoadedCase },
): Float32Array<ArrayBuffer> {
  const values = new Float32Array(task.initial.length);
  for (const parameter of task.parameters) {
    const planned = plan.parameters.find(({ name }) => name === parameter.name);
    if (!planned) throw new Error(`The plan has no parameter "${parameter.name}"`);
    const first = plan.tensors[planned.tensor].byteOffset / 4;
    values.set(arena.subarray(first, first + valuesOf(parameter)), parameter.offset);
  }
  return values;
}

if (import.meta.main) await runPeer(open);
