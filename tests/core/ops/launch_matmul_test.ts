/** Products of tensors larger than what one launch may bind. */
import { assert, assertEquals } from "@std/assert";
import { planNeeds } from "../../../core/gpu/needs.ts";
import { f32 } from "../../../core/graph/shape.ts";
import { Graph } from "../../../core/graph/tensor.ts";
import { add } from "../../../core/ops/add.ts";
import { matmul } from "../../../core/ops/matmul.ts";
import { reshape } from "../../../core/ops/reshape.ts";
import { compilePlan } from "../../../core/plan/compile_plan.ts";
import { assertSameBits, backends, tailed } from "./_shards.ts";

// Of A (24, 36) and C (24, 68), rows of 144 and 272 bytes, offsets are multiples of 256 every 16 rows; with
// uneven rows every 64 rows. Along the sum, rows of 64 and 20 numbers: every 16; of 7 and 5: every 64.
for (
  const [what, sizes, transposeA, launches] of [
    ["rows of fours", [24, 36, 68], false, 2],
    ["uneven rows", [131, 7, 67], false, 3],
    ["a large product", [40, 512, 260], false, 3],
    ["the sum, fours", [64, 36, 20], true, 3],
    ["the sum, uneven", [7, 131, 5], true, 3],
    ["the sum, every fourth term", [64, 20, 64], true, 5],
  ] as const
) {
  const [rows, inner, columns] = sizes;
  const given = () => {
    const graph = new Graph();
    const a = graph.input("a", transposeA ? f32(inner, rows) : f32(rows, inner));
    return { graph, c: matmul(a, graph.input("b", f32(inner, columns)), { transposeA }) };
  };
  Deno.test(`matmul() gives the same bits in shards, ${what}`, async () => {
    const { graph, c } = given();
    graph.output("y", c);
    await assertSameBits(graph, launches);
  });
  Deno.test(`matmul() with a tail gives the same bits in shards, ${what}`, async () => {
    const { graph, c } = given();
    graph.output("y", tailed(c));
    const plan = compilePlan(graph);
    if (plan.steps.length === 1) await assertSameBits(graph, launches);
    else assert(columns % 4 !== 0); // a row operand of odd length is not taken in
  });
}

Deno.test("matmul() in shards adds rows that repeat with another period than shards have", async () => {
  const graph = new Graph();
  const c = matmul(graph.input("a", f32(48, 20)), graph.input("b", f32(20, 12)));
  // Shards of 16 rows, positions of 24 rows under two sequences.
  const positions = graph.input("positions", f32(24, 12));
  graph.output("y", add(reshape(c, [2, 24, 12]), positions));
  assertEquals(compilePlan(graph).steps.length, 1);
  await assertSameBits(graph, 3);
});

Deno.test("matmul() with a tail gives a tensor above the default limit of a binding", async () => {
  const [rows, columns] = [33_000, 1024];
  const graph = new Graph();
  const a = graph.input("a", f32(rows, 4));
  const b = graph.input("b", f32(4, columns));
  const y = add(matmul(a, b), graph.input("bias", f32(columns)));
  graph.output("y", y);
  const plan = compilePlan(graph);
  const [{ backend, preset }] = backends;
  const program = await backend.compile(plan);
  try {
    const needs = planNeeds(plan, preset);
    assert(needs.totalBytes > 2 ** 27 && needs.largestBinding!.bytes <= 2 ** 26);
    // Small integers, so that every sum is exact: y[i, j] = (i mod 7) (j mod 5) + 3 + j mod 11.
    program.step({
      a: Float32Array.from({ length: rows * 4 }, (_, at) => at % 4 === 1 ? (at >> 2) % 7 : at & 1),
      b: Float32Array.from(
        { length: 4 * columns },
        (_, at) => [9, at % columns % 5, 9, 3][Math.floor(at / columns)],
      ),
      bias: Float32Array.from({ length: columns }, (_, j) => j % 11),
    });
    const found = await program.read("y");
    assertEquals(found.length, rows * columns);
    let wrong = 0;
    found.forEach((value, at) => {
      const [i, j] = [Math.floor(at / columns), at % columns];
      if (value !== (i % 7) * (j % 5) + 3 + j % 11) wrong += 1;
    });
    assertEquals(wrong, 0);
  } finally {
    program.destroy();
  }
});
