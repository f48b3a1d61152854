/** The form that BK-Core is computed in relies on a bound of eta, which a schedule must keep at every update. */
import { assert, assertEquals } from "@std/assert";
import { evaluationPlan } from "../../../core/evaluate/evaluation_plan.ts";
import { createEvaluator } from "../../../core/evaluate/evaluator.ts";
import { webGpuBackend } from "../../../core/gpu/backend.ts";
import { Graph } from "../../../core/graph/tensor.ts";
import { greenOperands } from "../../../core/layers/green_operands.ts";
import { scheduledState } from "../../../core/layers/scheduled_state.ts";
import type { ResnetBkConfig } from "../../../core/models/resnet_bk.ts";
import { resnetBkSchedules, scheduledValues } from "../../../core/models/resnet_bk_schedules.ts";
import { chooseBkForm } from "../../../core/ops/bk_forms.ts";
import { createTrainer } from "../../../core/train/trainer.ts";
import { resnetBk } from "./_resnet_bk.ts";
import { someTokens, VOCABULARY } from "./_conformance.ts";

const SMALL = { dModel: 8, nLayers: 1, tieHead: true, bkChannels: 2, numExperts: 1 };
const SEQ_LEN = 512;

Deno.test("greenOperands() bounds eta by its floor times the least value of the factor", () => {
  const cases = [
    [{ etaLearned: true, etaMin: 0.5, etaInit: 2 }, 0.5],
    [{ etaLearned: false, etaMin: 0.5, etaInit: 2 }, 2],
  ] as const;
  for (const [change, floor] of cases) {
    for (const [epsilonStart, epsilonEnd, least] of [[1, 0.25, 0.25], [0.5, 3, 0.5]]) {
      const config = resnetBk({
        ...SMALL,
        ...change,
        epsilonSchedule: "cosine",
        epsilonStart,
        epsilonEnd,
      });
      const graph = new Graph();
      const { etaFactor } = scheduledValues(graph, { config });
      if (!etaFactor) throw new Error("The schedule gave no factor");
      const { bounds } = greenOperands(graph, { ...config, seqLen: SEQ_LEN, etaFactor });
      assertEquals(bounds.etaMin, floor * least);
    }
  }
});

Deno.test("greenOperands() bounds what a step multiplies in f32, ends that f32 rounds down", () => {
  const [epsilonStart, epsilonEnd] = [0.7, 0.9]; // 0.7 is 0.699999988079071 in f32
  for (const epsilonSchedule of ["linear", "cosine", "exponential"] as const) {
    for (const ends of [{ epsilonStart, epsilonEnd }, { epsilonStart: 0.9, epsilonEnd: 0.7 }]) {
      const steps = { epsilonSteps: 997 };
      const change = { etaLearned: false, etaInit: 0.7, epsilonSchedule, ...ends, ...steps };
      const config = resnetBk({ ...SMALL, ...change });
      const graph = new Graph();
      const { etaFactor } = scheduledValues(graph, { config });
      if (!etaFactor) throw new Error("The schedule gave no factor");
      const { bounds } = greenOperands(graph, { ...config, seqLen: SEQ_LEN, etaFactor });
      const { epsilon } = resnetBkSchedules(config);
      const etas = Array.from(
        { length: 999 },
        (_, t) => Math.fround(Math.fround(0.7) * Math.fround(epsilon(t))),
      );
      assertEquals(Math.min(...etas), bounds.etaMin, epsilonSchedule);
      assert(bounds.etaMin < 0.7 * 0.7, "nothing was rounded down, so nothing was tested");
    }
  }
});

Deno.test("scheduledValues() declares nothing without a schedule", () => {
  const graph = new Graph();
  const config = resnetBk({ ...SMALL, gumbel: 0.5 });
  assertEquals(scheduledValues(graph, { config }), { temperature: 0.5 });
  assertEquals([graph.states.length, graph.inputs.length, graph.nodes.length], [0, 0, 0]);
});

Deno.test("scheduledState() stands still where no update follows", () => {
  const graph = new Graph();
  const state = scheduledState(graph, "x", { initial: 2, scheduled: undefined });
  assertEquals([state.source.kind, graph.nextStates.size], ["state", 0]);
});

Deno.test("a model at the end of its schedule is the model with that eta, bit for bit, where a bound chooses halos", async () => {
  const backend = await webGpuBackend();
  try {
    const shape = { batch: 1, seqLen: SEQ_LEN };
    const tokens = someTokens("bounds", SEQ_LEN);
    const windows = { windows: 1, tokens, targets: tokens.map((t) => (t + 1) % VOCABULARY) };
    const lossOf = async (change: Partial<ResnetBkConfig>): Promise<number> => {
      const settings = {
        model: resnetBk({ ...SMALL, etaLearned: false, ...change }),
        shape,
        vocabularySize: VOCABULARY,
        seed: 1,
        optimiser: { weightDecay: 0, beta1: 0.9, beta2: 0.99, gradClip: 1 },
        schedule: { steps: 1, warmupSteps: 0, learningRate: 0 },
      };
      const trainer = await createTrainer(backend, settings);
      // The rate is 0: an update moves the schedule alone.
      await trainer.advance(() => windows, { from: 0, to: 1 });
      const evaluator = await createEvaluator(backend, {
        ...settings,
        parametersOf: trainer.program,
      });
      const loss = await evaluator.evaluate(windows);
      evaluator.destroy();
      trainer.destroy();
      return loss;
    };
    // With eta 1 short chunks would do; eta 0.3 needs longer ones and a longer warm-up.
    const [whole, least] = [1, 0.3].map((etaMin) =>
      chooseBkForm({ length: SEQ_LEN, heads: 2 }, { etaMin, pMax: 1 })
    );
    assert(whole.form === "halo" && least.form === "halo" && least.warm_up > whole.warm_up);
    const falling = {
      etaInit: 1,
      epsilonSchedule: "linear",
      epsilonStart: 1,
      epsilonEnd: 0.3,
      epsilonSteps: 1,
    } as const;
    const { steps } = evaluationPlan({
      model: resnetBk({ ...SMALL, etaLearned: false, ...falling }),
      shape,
      vocabularySize: VOCABULARY,
    });
    const { attributes } = steps.find(({ op }) => op.name === "bk_core")!;
    assertEquals([attributes.chunk, attributes.warm_up], [least.chunk, least.warm_up]);
    assertEquals(await lossOf(falling), await lossOf({ etaInit: 0.3 }));
  } finally {
    backend.destroy();
  }
});
