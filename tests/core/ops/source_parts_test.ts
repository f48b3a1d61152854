/** Ops that read rows where values say, or add up rows of experts: cut launches give the bits of whole ones. */
import { assert, assertEquals } from "@std/assert";
import type { Op, Trial, TrialInput } from "../../../core/graph/op.ts";
import { f32, i32 } from "../../../core/graph/shape.ts";
import { op as embeddingOp } from "../../../core/ops/embedding.ts";
import { groupedTile } from "../../../core/ops/grouped_matmul_tiles.ts";
import { allOps, runTrial, traceTrial } from "../_trials.ts";
import { assertShardsAgree, backends, inShards } from "./_shards.ts";

const ops = await allOps();
function named(name: string): Op {
  return ops.find((op) => op.name === name)!;
}

for (
  const [name, chosen] of [
    ["combine_experts", "two choices"],
    ["combine_experts_vjp_weights", "two choices, four runs and one"],
    ["combine_experts_vjp_y", "two choices"],
    ["embedding", "fours, two axes of ids"],
    ["embedding_vjp", "more ids than rows"],
    ["embedding_vjp", "a frequent id"],
    ["gather_rows", "fours, two copies"],
    ["gather_rows_vjp", "fours, two copies"],
    ["grouped_matmul", "primes, two parts"],
    ["grouped_matmul", "one expert has all rows"],
    ["grouped_matmul", "whole tiles"],
    ["grouped_matmul", "around a tile, transposed"],
    ["grouped_matmul_vjp_w", "primes, two parts"],
    ["grouped_matmul_vjp_w", "whole tiles"],
    ["grouped_matmul_vjp_w", "more columns than a workgroup"],
  ] as const
) {
  Deno.test(`${name}() gives the same bits in parts of what it reads, ${chosen}`, async () => {
    const op = named(name);
    const trial = op.trials.find((candidate) => candidate.name === chosen)!;
    assert(await assertShardsAgree(op, { ...trial, gradientTolerance: false }), "not cut");
  });
}

for (const transpose_w of [false, true]) {
  Deno.test(`groupedMatmul() and its gradient give the same bits in parts, large tiles, transposed ${transpose_w}`, async () => {
    const start = [0, 101, 101, 260]; // parts of 240 slots end inside an expert
    const sizes = { slots: 260, inner: 128, columns: 132, experts: 3 };
    const { slots, inner, columns, experts } = sizes;
    for (const family of ["grouped_matmul", "grouped_matmul_vjp_w"] as const) {
      const { entryPoint } = groupedTile(family, { sizes, preset: "software-adapter" });
      assert(entryPoint.endsWith("rows_16x4"), entryPoint);
    }
    const trial: Trial = {
      name: "large tiles",
      inputs: [
        { type: f32(slots, inner), law: "normal" },
        {
          type: transpose_w ? f32(experts, columns, inner) : f32(experts, inner, columns),
          law: "normal",
        },
        { type: i32(experts + 1), law: start },
      ],
      attributes: { transpose_w },
      tolerance: 0,
      gradientTolerance: transpose_w ? false : 0, // its kernels take long to compile
    };
    assert(await assertShardsAgree(named("grouped_matmul"), trial, { maxBindingBytes: 2 ** 17 }));
  });
}

Deno.test("embedding() gives rows of NaN for ids outside the table, also in parts of it", async () => {
  const inputs: TrialInput[] = [
    { type: f32(31, 12), law: "normal" },
    { type: i32(65), law: (i) => i % 40 - 4 },
  ];
  const op = embeddingOp as unknown as Op;
  const trial = {
    name: "ids",
    inputs,
    attributes: {},
    tolerance: 0,
    gradientTolerance: false,
  } as const;
  assert(await assertShardsAgree(op, trial));
  const traced = traceTrial(op, trial);
  const [{ backend }] = backends;
  const y = (await runTrial({ ...traced, plan: inShards(traced.plan) }, backend)).get("y0")!;
  Array.from({ length: 65 }, (_, r) => r % 40 - 4).forEach((id, r) => {
    const row = [...y.subarray(12 * r, 12 * r + 12)];
    const isOutside = id < 0 || id >= 31;
    assertEquals(row.map(Number.isNaN), new Array<boolean>(12).fill(isOutside), `id ${id}`);
  });
});
