/**
 * The losses of a sequence do not depend on its neighbours: same bits alone, first, last, in batches of 3 and
 * 8, at sizes where products of small and large batches take different kernels.
 */
import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { webGpuBackend } from "../../../core/gpu/backend.ts";
import { i32 } from "../../../core/graph/shape.ts";
import { Graph } from "../../../core/graph/tensor.ts";
import { type ModelConfig, modelOf } from "../../../core/models/registry.ts";
import { chunkedCrossEntropy } from "../../../core/ops/chunked_cross_entropy.ts";
import type { Backend } from "../../../core/plan/backend.ts";
import { compilePlan } from "../../../core/plan/compile_plan.ts";
import type { Plan } from "../../../core/plan/plan.ts";
import { initialParameters } from "../../../core/train/initial_parameters.ts";
import { CONFIGS, someTokens } from "../models/_conformance.ts";

/** Of a batch of 8, so many rows and classes make a product large for every table of tiles. */
const VOCABULARY = 128;
const LENGTH = 56;

/** A small model of the conformance suite, one layer of it, but wider. */
function wide(config: ModelConfig): ModelConfig {
  return { ...config, dModel: 96, nLayers: 1 };
}

function rowLossPlan(model: ModelConfig, batch: number): Plan {
  const shape = { batch, seqLen: LENGTH };
  const graph = new Graph();
  const tokens = graph.input("tokens", i32(batch, LENGTH));
  const targets = graph.input("targets", i32(batch * LENGTH));
  const { features, head } = modelOf(model).forward(graph, {
    config: model,
    shape,
    vocabularySize: VOCABULARY,
    tokens,
    purpose: "evaluate",
  });
  graph.output("row_losses", chunkedCrossEntropy(features, { head, targets }).rowLosses);
  return compilePlan(graph);
}

/** Losses (B N) of batches in which the sequence under test is row `rows[0]`, `rows[1]`, … among neighbours. */
async function rowLosses(
  model: ModelConfig,
  on: { readonly backend: Backend; readonly batch: number; readonly rows: readonly number[] },
): Promise<readonly Float64Array[]> {
  const { backend, batch, rows } = on;
  const plan = rowLossPlan(model, batch);
  const program = await backend.compile(plan);
  try {
    program.write("param", initialParameters(plan, 42));
    const found: Float64Array[] = [];
    for (const row of rows) {
      const tokens = someTokens("neighbours", batch * LENGTH);
      const targets = someTokens("their targets", batch * LENGTH);
      tokens.set(someTokens("sequence", LENGTH), row * LENGTH);
      targets.set(someTokens("its targets", LENGTH), row * LENGTH);
      program.step({ tokens, targets });
      found.push(await program.read("row_losses"));
    }
    return found;
  } finally {
    program.destroy();
  }
}

for (
  const [model, preset] of [
    [wide(CONFIGS[1]), "software-adapter"],
    [wide(CONFIGS[1]), "gpu"],
    [wide(CONFIGS[2]), "software-adapter"],
  ] as const
) {
  Deno.test(`chunkedCrossEntropy() gives a sequence the same losses whatever its neighbours, ${model.kind}, tiles of ${preset}`, async () => {
    const backend = await webGpuBackend({ preset });
    try {
      const [alone] = await rowLosses(model, { backend, batch: 1, rows: [0] });
      assert(alone.every((loss) => Number.isFinite(loss) && loss > 0));
      for (const [batch, rows] of [[3, [0, 1, 2]], [8, [0, 3, 7]]] as const) {
        const found = await rowLosses(model, { backend, batch, rows });
        found.forEach((all, k) => {
          const own = all.slice(rows[k] * LENGTH, (rows[k] + 1) * LENGTH);
          assertEquals(own, alone, `row ${rows[k]} of ${batch}`);
          const next = (rows[k] + 1) % batch * LENGTH;
          assertNotEquals(all.slice(next, next + LENGTH), alone, "the neighbours are the same");
        });
      }
    } finally {
      backend.destroy();
    }
  });
}
