import { assertEquals, assertThrows } from "@std/assert";
import { ShapeError } from "../../../core/errors.ts";
import { webGpuBackend } from "../../../core/gpu/backend.ts";
import { i32 } from "../../../core/graph/shape.ts";
import { Graph } from "../../../core/graph/tensor.ts";
import { groupTokens, op } from "../../../core/ops/group_tokens.ts";
import { referenceBackend } from "../../../core/reference/interpreter.ts";
import { runOp } from "./_run_op.ts";

const backends = [await webGpuBackend(), referenceBackend({ precision: "f64" })];
globalThis.addEventListener("unload", () => backends.forEach((backend) => backend.destroy()));

Deno.test("groupTokens() keeps the order of equal ids and leaves empty groups empty", async () => {
  const given = {
    inputs: [{ type: i32(8), values: [4, 1, 4, 0, 1, 4, 7, -3] }],
    attributes: { groups: 6 },
  };
  for (const backend of backends) {
    const [start, order, rank] = await runOp(backend, op, given);
    // By hand: group 0 has tokens 3 and 7 (-3 is clamped), 1 has 1 and 4, 4 has 0, 2, 5, and 5 has 6 (7 is).
    assertEquals(order, [3, 7, 1, 4, 0, 2, 5, 6]);
    assertEquals(start, [0, 2, 4, 4, 4, 7, 8]);
    assertEquals(rank, [4, 2, 5, 0, 3, 6, 7, 1]);
  }
});

Deno.test("groupTokens() sorts 16384 tokens of a GPT-2 vocabulary stably, on the adapter", async () => {
  const tokens = 16384;
  // A Weyl sequence squared: small ids repeat often, all of the range occurs.
  const ids = Array.from(
    { length: tokens },
    (_, t) => Math.floor(50257 * ((t * 0.6180339887) % 1) ** 3),
  );
  const given = { inputs: [{ type: i32(tokens), values: ids }], attributes: { groups: 50257 } };
  const [start, order, rank] = await runOp(backends[0], op, given);
  // Properties that only one answer has: a permutation, its inverse, ascending by (id, position).
  assertEquals(new Set(order).size, tokens);
  let wrong = 0;
  order.forEach((token, slot) => {
    if (rank[token] !== slot) wrong++;
    if (!(start[ids[token]] <= slot && slot < start[ids[token] + 1])) wrong++;
    const next = order[slot + 1] ?? Infinity;
    const isAscending = next === Infinity || ids[token] < ids[next] ||
      (ids[token] === ids[next] && token < next);
    if (!isAscending) wrong++;
  });
  assertEquals(wrong, 0);
  assertEquals([start[0], start[50257]], [0, tokens]);
});

Deno.test("groupTokens() refuses no groups", () => {
  const ids = new Graph().input("ids", i32(3));
  assertThrows(() => groupTokens(ids, { groups: 0 }), ShapeError, "groups >= 1, got 0");
});
