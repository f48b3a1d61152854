import { assert, assertEquals } from "@std/assert";
import { cosineOf, gradientsAt } from "../../../core/evaluate/gradient_cosine.ts";
import { modelConfig } from "../../../core/manifest/model_config.ts";
import type { ModelConfig } from "../../../core/models/registry.ts";
import { referenceBackend } from "../../../core/reference/interpreter.ts";
import { initialParameters, initialStates } from "../../../core/train/initial_parameters.ts";
import { evaluationPlan } from "../../../core/evaluate/evaluation_plan.ts";

Deno.test("cosineOf() is the angle of definition, over the parameters that count", () => {
  const a = new Map([["x", Float32Array.of(3, 4)], ["y", Float32Array.of(1)]]);
  const b = new Map([["x", Float32Array.of(4, 3)], ["y", Float32Array.of(-1)]]);
  // (12 + 12) / 25; with y: (24 - 1) / 26.
  const only = (name: string) => name === "x";
  assert(Math.abs(cosineOf(a, b, { counts: only })! - 0.96) <= 1e-15);
  assert(Math.abs(cosineOf(a, b)! - 23 / 26) <= 1e-15);
  assertEquals(cosineOf(a, a), 1);
  assertEquals(cosineOf(a, new Map([["x", new Float32Array(2)]])), null);
});

/** A batch and a small model whose shift is small enough for the modes to differ. */
const SHAPE = { batch: 2, seqLen: 6 };
const VOCABULARY = 5;
const BATCH = {
  tokens: Int32Array.from({ length: 12 }, (_, i) => (i * i) % VOCABULARY),
  targets: Int32Array.from({ length: 12 }, (_, i) => (i * i + i + 1) % VOCABULARY),
};

function model(settings: Readonly<Record<string, string | number | boolean>>): ModelConfig {
  return modelConfig({
    ...{ kind: "resnet-bk", preset: "baseline", d_model: 4, n_layers: 1, tie_head: true },
    ...{ num_experts: 1, bk_channels: 2, eta_init: 0.3 },
    ...settings,
  });
}

Deno.test("gradientsAt() is the derivative of the loss along every parameter's gradient", async () => {
  const backend = referenceBackend({ precision: "f64" });
  const options = { model: model({}), shape: SHAPE, vocabularySize: VOCABULARY };
  const plan = evaluationPlan(options);
  const param = initialParameters(plan, 3);
  const state = initialStates(plan);
  const gradients = await gradientsAt(backend, {
    ...options,
    point: { param, state },
    batch: BATCH,
  });
  assertEquals([...gradients.keys()].sort(), plan.parameters.map(({ name }) => name).sort());
  const lossAt = async (values: Float32Array): Promise<number> => {
    const program = await backend.compile(plan);
    program.write("param", values);
    program.step({ ...BATCH, slot: Int32Array.of(0) });
    const [ring] = await program.readArenas(["metric"]);
    return ring[0];
  };
  for (const { name, tensor } of plan.parameters) {
    const first = plan.tensors[tensor].byteOffset / 4;
    const gradient = gradients.get(name)!;
    const square = gradient.reduce((sum, value) => sum + value * value, 0);
    if (square < 1e-8) continue; // f32 parameters cannot show so small a change
    const step = 1e-2 / Math.sqrt(square);
    const moved = (sign: number): Float32Array => {
      const values = param.slice();
      gradient.forEach((value, i) => values[first + i] += sign * step * value);
      return values;
    };
    const slope = (await lossAt(moved(1)) - await lossAt(moved(-1))) / (2 * step);
    assert(Math.abs(slope / square - 1) <= 5e-3, `${name}: ${slope} for ${square}`);
  }
  backend.destroy();
});

Deno.test("gradientsAt() differs between modes in what lies below the potential alone", async () => {
  const backend = referenceBackend({ precision: "f64" });
  const options = { shape: SHAPE, vocabularySize: VOCABULARY };
  const plan = evaluationPlan({ ...options, model: model({}) });
  const point = { param: initialParameters(plan, 3), state: initialStates(plan) };
  const at = (settings: Readonly<Record<string, string>>) =>
    gradientsAt(backend, { ...options, model: model(settings), point, batch: BATCH });
  const exact = await at({});
  const inPotential = { counts: (name: string) => name.includes("/potential/") };
  const above = { counts: (name: string) => name.includes("/output/") };
  for (const grad_mode of ["theoretical", "hypothesis7", "blend"]) {
    const other = await at({ grad_mode });
    const cosine = cosineOf(other, exact, inPotential)!;
    assert(cosine < 0.9999 && cosine >= -1, `${grad_mode}: ${cosine}`);
    // The head and the read-out of G see the same G and the same cotangents.
    assert(Math.abs(cosineOf(other, exact, above)! - 1) <= 1e-12);
  }
  backend.destroy();
});
