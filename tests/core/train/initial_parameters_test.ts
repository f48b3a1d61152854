import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { sizeOf } from "../../../core/graph/shape.ts";
import type { ModelConfig } from "../../../core/models/registry.ts";
import type { Plan } from "../../../core/plan/plan.ts";
import { sha256Hex } from "../../../core/random/sha256.ts";
import { initialParameters } from "../../../core/train/initial_parameters.ts";
import { trainingPlan } from "../../../core/train/training_graph.ts";
import { resnetBk } from "../models/_resnet_bk.ts";

const WIDTH = { dModel: 8, nLayers: 1, tieHead: true };
const RESNET_BK: ModelConfig = resnetBk({
  ...WIDTH,
  bkChannels: 2,
  numExperts: 2,
  topK: 1,
  vMax: 3,
  etaInit: 1,
  etaMin: 1e-3,
});
const TRANSFORMER: ModelConfig = { kind: "transformer", ...WIDTH, nHeads: 2 };

function planOf(model: ModelConfig): Plan {
  return trainingPlan({
    model,
    shape: { batch: 1, seqLen: 16 },
    vocabularySize: 256,
    optimiser: { weightDecay: 0.01, beta1: 0.9, beta2: 0.95, gradClip: 1 },
  });
}

/** Values of one parameter in an arena. */
function valuesOf(plan: Plan, { arena, name }: {
  readonly arena: Float32Array;
  readonly name: string;
}): Float32Array<ArrayBuffer> {
  const parameter = plan.parameters.find((known) => known.name === name);
  if (!parameter) throw new Error(`The plan has no parameter "${name}"`);
  const { byteOffset, type } = plan.tensors[parameter.tensor];
  return arena.slice(byteOffset / 4, byteOffset / 4 + sizeOf(type.shape));
}

function embeddingOf(model: ModelConfig, seed: number): Float32Array<ArrayBuffer> {
  const plan = planOf(model);
  return valuesOf(plan, { arena: initialParameters(plan, seed), name: "embedding" });
}

Deno.test("initialParameters() gives a name the same bytes in every model, others for another seed", () => {
  const embedding = embeddingOf(RESNET_BK, 42);
  assertEquals(embedding, embeddingOf(TRANSFORMER, 42));
  assertNotEquals(embedding, embeddingOf(TRANSFORMER, 43));
  // Pins generator, streams and law: these bytes must never change, on any platform.
  assertEquals(
    sha256Hex(new Uint8Array(embedding.buffer)),
    "08db6bd39348402c5718085fbc22cf0b5f90a495bb2c31ce977cce1e53bd44b5",
  );
});

Deno.test("initialParameters() draws every parameter from its own stream and its own law", () => {
  for (const model of [RESNET_BK, TRANSFORMER]) {
    const plan = planOf(model);
    const arena = initialParameters(plan, 42);
    const drawn = plan.parameters.filter(({ initial }) => initial.kind === "normal");
    const beginnings = drawn.map(({ name, initial }) => {
      if (initial.kind !== "normal") throw new Error("Not a normal law");
      return valuesOf(plan, { arena, name })[0] / initial.standardDeviation;
    });
    assertEquals(new Set(beginnings).size, drawn.length);
    for (const { name, initial } of plan.parameters) {
      if (initial.kind === "normal") continue;
      const values = [...valuesOf(plan, { arena, name })];
      const want = values.map((_, i) =>
        Math.fround(initial.kind === "constant" ? initial.value : initial.values[i])
      );
      assertEquals(values, want);
    }
  }
});

Deno.test("initialParameters() has the mean and the spread that a law asks for", () => {
  const plan = planOf(TRANSFORMER);
  const law = plan.parameters.find(({ name }) => name === "embedding")!.initial;
  if (law.kind !== "normal") throw new Error("The embedding is not drawn from a normal law");
  const values = embeddingOf(TRANSFORMER, 42);
  const scaled = [...values].map((value) => value / law.standardDeviation);
  const mean = scaled.reduce((sum, value) => sum + value, 0) / scaled.length;
  const square = scaled.reduce((sum, value) => sum + value * value, 0) / scaled.length;
  // Five standard errors: 1/sqrt(n) of a mean, sqrt(2/n) of a mean square.
  assert(Math.abs(mean) <= 5 / Math.sqrt(scaled.length), `mean ${mean}`);
  assert(Math.abs(square - 1) <= 5 * Math.sqrt(2 / scaled.length), `mean square ${square}`);
});
