/** Micro-batches of one update move the running quantiles as updates one after another do, and route alike. */
import { assertEquals, assertNotEquals } from "@std/assert";
import { webGpuBackend } from "../../../core/gpu/backend.ts";
import { f32 } from "../../../core/graph/shape.ts";
import { Graph } from "../../../core/graph/tensor.ts";
import type { Purpose } from "../../../core/layers/purpose.ts";
import { phaseRouter } from "../../../core/layers/scattering_router.ts";
import type { Program } from "../../../core/plan/backend.ts";
import { compilePlan } from "../../../core/plan/compile_plan.ts";
import { normal } from "../../../core/random/normal.ts";
import { stream } from "../../../core/random/streams.ts";
import { initialStates } from "../../../core/train/initial_parameters.ts";
import { createTrainer, type TrainerSettings } from "../../../core/train/trainer.ts";
import { CONFIGS, settingsOf, someTokens } from "../models/_conformance.ts";

const backend = await webGpuBackend();
globalThis.addEventListener("unload", () => backend.destroy());

const ROWS = 67;
const EXPERTS = 4;

/** Phases of a batch; each has another spread. */
function phases(batch: number): Float32Array {
  const from = stream(8, "phases");
  return Float32Array.from(
    { length: ROWS },
    (_, index) => Math.tanh((1 + batch) * normal(from, { step: batch, index }) / 4),
  );
}

/** A step that routes `batches` batches of phases, inputs "phase0" …, by one router. */
async function routerOf(batches: number, purpose: Purpose): Promise<Program> {
  const graph = new Graph();
  const route = (index: number): void => {
    const phase = graph.input(`phase${index}`, f32(ROWS));
    const options = { numExperts: EXPERTS, topK: 2, law: "quantile", purpose } as const;
    const { choice } = phaseRouter(phase, options);
    if (choice.kind === "some") graph.output(`weights${index}`, choice.weights);
  };
  route(0);
  for (let index = 1; index < batches; index++) graph.withSameParameters(() => route(index));
  const plan = compilePlan(graph);
  const program = await backend.compile(plan);
  program.write("state", initialStates(plan));
  return program;
}

async function statesOf(program: Program): Promise<readonly number[]> {
  const [state] = await program.readArenas(["state"]);
  return [...state];
}

Deno.test("phaseRouter() moves its knots with micro-batches as with updates one after another", async () => {
  const whole = await routerOf(3, "train");
  const single = await routerOf(1, "train");
  for (let step = 0; step < 4; step++) {
    const [a, b, c] = [0, 1, 2].map((k) => phases(3 * step + k));
    whole.step({ phase0: a, phase1: b, phase2: c });
    for (const phase0 of [a, b, c]) single.step({ phase0 });
    assertEquals(await statesOf(whole), await statesOf(single), `update ${step + 1}`);
  }
  // Twelve batches, the last ones at rates below 1: the knots are not those of the last batch alone.
  const last = await routerOf(1, "train");
  last.step({ phase0: phases(11) });
  assertNotEquals(await statesOf(whole), await statesOf(last));
  [whole, single, last].forEach((program) => program.destroy());
});

Deno.test("phaseRouter() routes all micro-batches of an update by the knots of the update before", async () => {
  const train = await routerOf(3, "train");
  const read = await routerOf(3, "evaluate");
  const [first, second] = [0, 3].map((from) => ({
    phase0: phases(from),
    phase1: phases(from + 1),
    phase2: phases(from + 2),
  }));
  train.step(first);
  read.write("state", Float32Array.from(await statesOf(train)));
  train.step(second);
  read.step(second);
  for (let k = 0; k < 3; k++) {
    assertEquals(await train.read(`weights${k}`), await read.read(`weights${k}`));
  }
  [train, read].forEach((program) => program.destroy());
});

for (const checkpointing of [false, true]) {
  Deno.test(`createTrainer() moves a router's knots with every micro-batch, checkpointing ${checkpointing}`, async () => {
    const model = CONFIGS.find((c) => c.kind === "resnet-bk" && c.router === "scattering")!;
    const shape = { batch: 2, seqLen: 16 };
    const batchOf = (name: string, rows: number) => ({
      tokens: someTokens(`tokens${name}`, rows * shape.seqLen),
      targets: someTokens(`targets${name}`, rows * shape.seqLen),
    });
    const whole = batchOf("", 3 * shape.batch);
    const size = shape.batch * shape.seqLen;
    const part = (k: number) => ({
      tokens: whole.tokens.subarray(k * size, (k + 1) * size),
      targets: whole.targets.subarray(k * size, (k + 1) * size),
    });
    // Nothing is learned, so the phases of a batch are the same before and after an update.
    const still = settingsOf(model, { shape, steps: 3, learningRate: 0 });
    const run = async (more: Partial<TrainerSettings>, updates: number) => {
      const trainer = await createTrainer(backend, { ...still, checkpointing, ...more });
      try {
        await trainer.advance(updates === 1 ? () => whole : part, { from: 0, to: updates });
        return [...(await trainer.save(updates)).state];
      } finally {
        trainer.destroy();
      }
    };
    assertEquals(await run({ accumulation: 3 }, 1), await run({}, 3));
  });
}
