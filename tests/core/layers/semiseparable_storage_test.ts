import { assert, assertEquals, assertThrows } from "@std/assert";
import { ShapeError } from "../../../core/errors.ts";
import { f32 } from "../../../core/graph/shape.ts";
import { Graph } from "../../../core/graph/tensor.ts";
import {
  semiseparableRank,
  semiseparableStorage,
} from "../../../core/layers/semiseparable_storage.ts";
import { semiseparableDiagonal } from "../../../core/ops/semiseparable_diagonal.ts";
import { compilePlan } from "../../../core/plan/compile_plan.ts";
import { gradientsOf } from "../../../core/plan/differentiate.ts";

Deno.test("semiseparableStorage() counts 3 N - 2 + 2 N r numbers of four bytes", () => {
  assertEquals(semiseparableStorage({ length: 128, rank: 7 }), {
    tridiagonalBytes: 4 * 382,
    lowRankBytes: 4 * 1792,
    totalBytes: 4 * 2174,
    denseBytes: 4 * 16384,
    saved: 1 - 2174 / 16384,
  });
});

Deno.test("semiseparableStorage() saves 86.7, 95.9, 98.8 and 99.97 % at the customary rank", () => {
  // By hand: 1 - (3 N - 2 + 2 N r) / N^2 with r = 7, 9, 11, 17.
  const cases = [[128, 7, 0.867], [512, 9, 0.959], [2048, 11, 0.988], [
    131072,
    17,
    0.9997,
  ]] as const;
  for (const [length, rank, saved] of cases) {
    assertEquals(semiseparableRank(length), rank);
    const found = semiseparableStorage({ length, rank }).saved;
    assert(Math.abs(found - saved) <= (saved > 0.999 ? 5e-5 : 5e-4), `${length}: ${found}`);
  }
  assert(semiseparableStorage({ length: 4, rank: 2 }).saved < 0, "a small dense matrix is smaller");
});

Deno.test("semiseparableRank() is ceil(log2 N), at least 1", () => {
  assertEquals([1, 2, 3, 4, 5, 1024, 1025].map(semiseparableRank), [1, 1, 2, 2, 3, 10, 11]);
  assertThrows(() => semiseparableRank(0), ShapeError, "length 0");
  assertThrows(() => semiseparableStorage({ length: 8, rank: 1.5 }), ShapeError, "rank 1.5");
});

/** Bytes that the plan of value and gradient really allocates for activations and scratch. */
function allocated(length: number): number {
  const graph = new Graph();
  const rank = 4;
  const v = graph.input("v", f32(1, 1, length));
  const [p, eta, lambda] = ["p", "eta", "lambda"].map((name) => graph.input(name, f32(1)));
  const [u, sigma] = [graph.input("u", f32(length, rank)), graph.input("sigma", f32(rank))];
  const g = semiseparableDiagonal({ v, p, u, sigma, eta, lambda });
  const seed = { tensor: g, cotangent: graph.input("dg", g.type) };
  gradientsOf([seed], [v, u, sigma]).forEach((d, k) => graph.output(`d${k}`, d));
  return compilePlan(graph).arenaBytes.activation;
}

Deno.test("semiseparableDiagonal() allocates memory linear in N, far below a dense matrix", () => {
  const [short, long] = [allocated(4096), allocated(16384)];
  assert(long <= 4.05 * short, `${long} bytes for 16384 sites, ${short} for 4096`);
  assert(long < 0.02 * 4 * 16384 ** 2, `${long} bytes`);
});
