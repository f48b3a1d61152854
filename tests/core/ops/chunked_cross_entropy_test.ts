import { assert, assertEquals, assertThrows } from "@std/assert";
import { ShapeError } from "../../../core/errors.ts";
import { webGpuBackend } from "../../../core/gpu/backend.ts";
import { f32, i32 } from "../../../core/graph/shape.ts";
import { Graph } from "../../../core/graph/tensor.ts";
import { chunkedCrossEntropy, chunkRows, op } from "../../../core/ops/chunked_cross_entropy.ts";
import type { Backend } from "../../../core/plan/backend.ts";
import { compilePlan } from "../../../core/plan/compile_plan.ts";
import { gradientsOf } from "../../../core/plan/differentiate.ts";
import { referenceBackend } from "../../../core/reference/interpreter.ts";
import golden from "../../golden/ops_torch.json" with { type: "json" };
import { assertGolden } from "../_golden_case.ts";

const GOLDEN_RTOL = 1e-8; // the golden numbers have 9 digits
const ADAPTER_RTOL = 1e-5; // as in the trials of the op

const oracle = referenceBackend({ precision: "f64" });
const adapter = await webGpuBackend();
globalThis.addEventListener("unload", () => adapter.destroy());

for (const [backend, tolerance] of [[oracle, GOLDEN_RTOL], [adapter, ADAPTER_RTOL]] as const) {
  Deno.test(`chunkedCrossEntropy() agrees with PyTorch, 70 rows in two chunks, ${backend.facts.name}`, async () => {
    const { targets } = golden.cross_entropy;
    await assertGolden(golden.cross_entropy, {
      backend,
      tolerance,
      integers: { targets },
      build: (_, { x, head, targets }) => {
        const { loss, rowLosses } = chunkedCrossEntropy(x, { head, targets, chunkRows: 64 });
        return { loss, rowLosses };
      },
    });
  });
}

/** Mean loss and its gradients for 2 classes and features of width 1. */
async function lossOf(backend: Backend, options: {
  readonly features: readonly number[];
  readonly head: readonly number[];
  readonly targets: readonly number[];
  readonly chunkRows?: number;
}): Promise<readonly number[][]> {
  const { features, head, targets } = options;
  const graph = new Graph();
  const x = graph.input("features", f32(features.length, 1));
  const classes = graph.input("head", f32(head.length, 1));
  const { loss } = chunkedCrossEntropy(x, {
    head: classes,
    targets: graph.input("targets", i32(targets.length)),
    ...(options.chunkRows === undefined ? {} : { chunkRows: options.chunkRows }),
  });
  const seed = { tensor: loss, cotangent: graph.input("one", f32(1)) };
  const [dx, dhead] = gradientsOf([seed], [x, classes]);
  [loss, dx, dhead].forEach((tensor, k) => graph.output(`y${k}`, tensor));
  const program = await backend.compile(compilePlan(graph));
  try {
    program.step({
      features: Float32Array.from(features),
      head: Float32Array.from(head),
      targets: Int32Array.from(targets),
      one: Float32Array.of(1),
    });
    const found: number[][] = [];
    for (const label of ["y0", "y1", "y2"]) found.push(Array.from(await program.read(label)));
    return found;
  } finally {
    program.destroy();
  }
}

for (const backend of [oracle, adapter]) {
  Deno.test(`chunkedCrossEntropy() is ln 2, two equal logits, ${backend.facts.name}`, async () => {
    const [[loss]] = await lossOf(backend, { features: [0, 0], head: [1, 3], targets: [0, 1] });
    assert(Math.abs(loss - Math.LN2) <= 1e-7, `${loss}`);
  });

  Deno.test(`chunkedCrossEntropy() gives zeros, every target ignored, ${backend.facts.name}`, async () => {
    const features = [2, -1, 0.5];
    const found = await lossOf(backend, { features, head: [1, 3], targets: [-100, -100, -100] });
    assertEquals(found.map((values) => values.map(Math.abs)), [[0], [0, 0, 0], [0, 0]]);
  });

  Deno.test(`chunkedCrossEntropy() gives NaN, a target that is no class, ${backend.facts.name}`, async () => {
    for (const target of [2, -1, -99, 2 ** 31 - 1]) {
      const found = await lossOf(backend, {
        features: [2, -1, 0.5],
        head: [1, 3],
        targets: [0, target, 1],
      });
      const [[loss], dx, dhead] = found;
      assert(Number.isNaN(loss), `target ${target} gives ${loss}`);
      assert(Number.isNaN(dx[1]) && dhead.every(Number.isNaN), `target ${target}: gradients`);
    }
  });

  Deno.test(`chunkedCrossEntropy() stays finite, logits of 2000, ${backend.facts.name}`, async () => {
    const features = [2000, -2000];
    const found = await lossOf(backend, { features, head: [0, 1], targets: [0, 0] });
    // Losses 2000 and 0; the first row's softmax is (0, 1), the second's (1, 0).
    assertEquals(found.map((values) => values.map((x) => x + 0)), [[1000], [0.5, 0], [
      -1000,
      1000,
    ]]);
  });
}

Deno.test("chunkedCrossEntropy() has the same bits in other chunks, 300 rows", async () => {
  const features = Array.from({ length: 300 }, (_, i) => Math.sin(i));
  const head = Array.from({ length: 5 }, (_, c) => Math.cos(2 * c));
  const targets = features.map((_, i) => i % 7 === 0 ? -100 : i % 5);
  const whole = await lossOf(adapter, { features, head, targets, chunkRows: 320 });
  const parts = await lossOf(adapter, { features, head, targets, chunkRows: 64 });
  assertEquals(parts, whole);
});

Deno.test("chunkRows() keeps a chunk's logits within 16 MiB, in multiples of 64", () => {
  assertEquals(chunkRows(1, 256), 64);
  assertEquals(chunkRows(2048, 256), 2048);
  assertEquals(chunkRows(100_000, 256), 16_384); // 16 MiB / (4 · 256)
  assertEquals(chunkRows(4096, 50_257), 64); // 83 rows would fit
  assertEquals(chunkRows(4096, 200_000), 64); // the least
});

Deno.test("chunkedCrossEntropy() throws, shapes it cannot use", () => {
  const attributes = { chunk_rows: 64 };
  assertThrows(
    () => op.infer([f32(3, 4), f32(5, 6), i32(3)], attributes),
    ShapeError,
    "widths must agree, got 4 and 6",
  );
  assertThrows(() => op.infer([f32(3, 4), f32(5, 4), i32(2)], attributes), ShapeError, "targets");
  assertThrows(
    () => op.infer([f32(3, 4), f32(5, 4), i32(3)], { chunk_rows: 100 }),
    ShapeError,
    "multiple of 64",
  );
});
