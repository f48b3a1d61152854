/** What is drawn is what the model computed: checked against the resolvent in f64 and the loss. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { DataError, UsageError } from "../../../core/errors.ts";
import { evaluateLoss } from "../../../core/evaluate/evaluate_loss.ts";
import { evaluationPlan } from "../../../core/evaluate/evaluation_plan.ts";
import { inspectModel, type LayerInspection } from "../../../core/evaluate/inspect_model.ts";
import { webGpuBackend } from "../../../core/gpu/backend.ts";
import type { ModelConfig } from "../../../core/models/registry.ts";
import { resolventDiagonal, squaredResolventRow } from "../../../core/spectral/resolvent.ts";
import { tridiagonal } from "../../../core/spectral/tridiagonal.ts";
import { someTokens, VOCABULARY } from "../models/_conformance.ts";
import { assertClose } from "../stats/_assert_close.ts";
import { BLOCKS, DEEP, DIAGONAL, RESOLVENT, startOf } from "./_stream_models.ts";

const backend = await webGpuBackend();
globalThis.addEventListener("unload", () => backend.destroy());

const TOKENS = someTokens("inspect", 37);
const BASE = { vocabularySize: VOCABULARY, tokens: TOKENS, start: startOf };
const PAPER = { ...DIAGONAL, mode: "paper", bkDirection: "bidirectional" } as ModelConfig;
const FIXED = { ...BLOCKS, etaDynamic: false } as ModelConfig;

/** Green function and rows of every head against core/spectral, for couplings of 1 or of the first bonds. */
function checkHeads({ heads }: LayerInspection, at: {
  readonly direction: "causal" | "bidirectional";
  readonly coupling: number;
}): void {
  const bonds = new Float64Array(TOKENS.length - 1).fill(Math.sqrt(at.coupling));
  for (const { potential, eta, greenRe, greenIm, weights } of heads) {
    const diagonal = potential.map((v) => v - 2);
    const h = tridiagonal({ diagonal, upper: bonds, lower: bonds });
    const options = { z: { lambda: 0, eta: eta[0] }, direction: at.direction };
    const want = resolventDiagonal(h, options);
    const scale = want.im.reduce((most, x) => Math.max(most, x), 0);
    for (let i = 0; i < TOKENS.length; i++) {
      // f32 pivots whose conditioning is at worst about 1/eta.
      assertClose([`Re G_${i}`, greenRe[i]], want.re[i], {
        relative: 1e-4,
        absolute: 1e-4 * scale,
      });
      assertClose([`Im G_${i}`, greenIm[i]], want.im[i], {
        relative: 1e-4,
        absolute: 1e-4 * scale,
      });
      const row = squaredResolventRow(h, i, options);
      const sum = row.reduce((total, value) => total + value, 0);
      row.forEach((value, j) =>
        assertClose([`row ${i}, ${j}`, weights[i][j]], value / sum, {
          relative: 1e-2,
          absolute: 1e-4,
        })
      );
    }
  }
}

const CASES: readonly (readonly [string, ModelConfig, "causal" | "bidirectional"])[] = [
  ["mixer diagonal", DIAGONAL, "causal"],
  ["mixer resolvent", RESOLVENT, "causal"],
  ["resolvent-block", FIXED, "causal"],
  ["paper mode", PAPER, "bidirectional"],
];

for (const [name, model, direction] of CASES) {
  Deno.test(`inspectModel() gives G_ii and rows of |G_ij|^2 as the resolvent of the potential has them, ${name}`, async () => {
    const { layers } = await inspectModel(backend, { ...BASE, model });
    assertEquals(layers.map(({ place }) => place), ["block0"]);
    // Bonds and couplings all start at 1, and so do those of the resolvent blocks.
    checkHeads(layers[0], { direction, coupling: 1 });
    const [{ potential }] = layers[0].heads;
    assert(new Set(potential).size > 10, "the potential hardly depends on the token");
  });
}

Deno.test("inspectModel() gives eta per token, and both evaluations of a symplectic block", async () => {
  const blocks = await inspectModel(backend, { ...BASE, model: BLOCKS });
  assertEquals(blocks.layers[0].heads.map(({ eta }) => eta.length), [37, 37, 37, 37]);
  assertEquals(blocks.layers[0].experts, null);
  const name = "symplectic blocks, mixer resolvent, scattering router";
  const { layers } = await inspectModel(backend, { ...BASE, model: DEEP[name] });
  assertEquals(layers.map(({ place }) => place), [
    "block0",
    "block0/second",
    "block1",
    "block1/second",
  ]);
});

Deno.test("inspectModel() gives the weights of the experts that serve a token, and 0 for the others", async () => {
  for (const topK of [1, 2, 3]) {
    const model = { ...DIAGONAL, topK } as ModelConfig;
    const { layers } = await inspectModel(backend, { ...BASE, model });
    const experts = layers[0].experts ?? [];
    assertEquals(experts.length, 37);
    for (const weights of experts) {
      const served = weights.filter((weight) => weight > 0);
      assertEquals([weights.length, served.length], [3, topK]);
      const sum = served.reduce((total, weight) => total + weight, 0);
      // One expert alone is weighted by its probability, the largest of three.
      if (topK === 1) assert(sum > 1 / 3 && sum < 1, `weight ${sum}`);
      else assertClose(["sum of weights", sum], 1, { relative: 1e-6 });
    }
  }
});

Deno.test("inspectModel() gives surprisals whose mean is the loss", async () => {
  const shape = { batch: 1, seqLen: TOKENS.length };
  for (const model of [DIAGONAL, BLOCKS]) {
    const { surprisal } = await inspectModel(backend, { ...BASE, model });
    const plan = evaluationPlan({ model, shape, vocabularySize: VOCABULARY });
    const program = await backend.compile(plan);
    const { param, state } = startOf(plan);
    program.write("param", param);
    program.write("state", state);
    const targets = Int32Array.from([...TOKENS.subarray(1), -100]);
    const windows = { windows: 1, tokens: TOKENS, targets };
    const want = await evaluateLoss(program, { windows, shape, slots: 16 });
    program.destroy();
    const mean = surprisal.reduce((sum, value) => sum + value, 0) / surprisal.length;
    assertClose(["mean surprisal", mean], want, { relative: 1e-6 });
  }
});

Deno.test("inspectModel() refuses a model without a resolvent, one token, and foreign ids", async () => {
  const transformer: ModelConfig = {
    kind: "transformer",
    dModel: 8,
    nLayers: 1,
    tieHead: true,
    nHeads: 2,
  };
  const of = (changes: Partial<Parameters<typeof inspectModel>[1]>) => () =>
    inspectModel(backend, { ...BASE, model: DIAGONAL, ...changes });
  await assertRejects(of({ model: transformer }), UsageError, "it has no resolvent");
  await assertRejects(of({ tokens: Int32Array.of(1) }), UsageError, "a text of 1 tokens");
  await assertRejects(of({ tokens: Int32Array.of(1, VOCABULARY) }), DataError, "at position 1");
});
