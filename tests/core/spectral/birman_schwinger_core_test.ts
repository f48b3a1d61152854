import { assert, assertEquals, assertThrows } from "@std/assert";
import { NumericError, UsageError } from "../../../core/errors.ts";
import { hilbertSchmidtNorm, traceNormBound } from "../../../core/spectral/birman_schwinger.ts";
import { birmanSchwingerCore } from "../../../core/spectral/birman_schwinger_core.ts";
import { lapGrowth, lapWeights } from "../../../core/spectral/lap.ts";
import golden from "../../golden/spectral_numpy.json" with { type: "json" };
import { assertClose } from "../stats/_assert_close.ts";
import { mulberry32 } from "../stats/_random_sample.ts";

const Z = { lambda: 0, eta: 1 };

function potential(length: number, seed = 1): Float64Array {
  const next = mulberry32(seed);
  return Float64Array.from({ length }, () => 6 * next() - 3);
}

Deno.test("birmanSchwingerCore() gives (8, 512, 2) features, each sequence as if alone", () => {
  const v = potential(8 * 512);
  const core = birmanSchwingerCore({ nSeq: 512, epsilon: 1, useMourre: true, useLap: true });
  const { shape, values } = core.evaluate(v, Z);
  assertEquals([shape, values.length], [[8, 512, 2], 8192]);
  const alone = core.evaluate(v.subarray(3 * 512, 4 * 512), Z).values;
  assertEquals(values.slice(3 * 1024, 4 * 1024), alone);
  assert(values.every((_, k) => k % 2 === 0 || values[k] > 0), "Im G is positive");
});

Deno.test("birmanSchwingerCore() gives one site 1 / (v - 2 - z), by hand", () => {
  const core = birmanSchwingerCore({ nSeq: 1, useLap: false });
  // 1 / (3 - 2 - i) = (1 + i) / 2
  assertEquals(core.evaluate([3], Z).values, Float64Array.of(0.5, 0.5));
  assertEquals(core.diagnostics([3], Z).lap_growth_exponent, null);
});

Deno.test("birmanSchwingerCore() is causal if asked, last site changed", () => {
  for (const direction of ["causal", "bidirectional"] as const) {
    const core = birmanSchwingerCore({ nSeq: 4, useLap: false, direction });
    const of = (last: number): number => core.evaluate([1, -1, 2, last], Z).values[4];
    assertEquals(of(0) === of(1), direction === "causal");
  }
});

Deno.test("birmanSchwingerCore() weights features by <n - n0>^-(1/2 + epsilon), lapFeatures only", () => {
  const v = potential(16);
  const plain = birmanSchwingerCore({ nSeq: 16, epsilon: 0.5 }).evaluate(v, Z).values;
  const weighted = birmanSchwingerCore({ nSeq: 16, epsilon: 0.5, lapFeatures: true });
  const weights = lapWeights(16, { exponent: 1 });
  assertEquals(weighted.evaluate(v, Z).values, plain.map((value, k) => value * weights[k >> 1]));
});

Deno.test("diagnostics() hold the dense figures, N = 200", () => {
  for (const { v, lambda, eta, hilbert_schmidt, trace_norm, condition } of golden.determinants) {
    if (v.length < 16) continue;
    const found = birmanSchwingerCore({ nSeq: v.length }).diagnostics(v, { lambda, eta });
    assertClose(["S2", found.schatten_s2!], hilbert_schmidt, { relative: 1e-10 });
    assert(found.schatten_s1_bound! >= trace_norm && trace_norm > 0);
    assert(
      found.condition_bound! >= condition && found.condition_estimate! <= condition * (1 + 1e-9),
    );
    assert(found.condition_estimate! >= 0.9 * condition);
    assertEquals([found.mourre_verified, found.all_finite], [false, true]);
    assert(found.mourre_margin! < 0);
    assertEquals(found.lap_growth_exponent, lapGrowth(v, { lambda, exponent: 1.5 }).exponent);
  }
});

Deno.test("diagnostics() tell the free lattice in the band from its edge", () => {
  const core = birmanSchwingerCore({ nSeq: 256 });
  const free = new Float64Array(256);
  const inside = core.diagnostics(free, { lambda: -2, eta: 0.1 });
  assertEquals([inside.mourre_verified, inside.mourre_margin, inside.schatten_s2], [
    true,
    1.875,
    0,
  ]);
  assertEquals(core.diagnostics(free, { lambda: 0, eta: 0.1 }).mourre_verified, false);
  const wide = birmanSchwingerCore({ nSeq: 256, mourreWindow: { low: -3, high: -1 } });
  assertEquals(wide.diagnostics(free, { lambda: 0, eta: 0.1 }).mourre_margin, 1.5);
});

Deno.test("diagnostics() take the worst of a batch, two sequences in either order", () => {
  const core = birmanSchwingerCore({ nSeq: 64 });
  const z = { lambda: -2, eta: 0.2 };
  const [quiet, loud] = [new Float64Array(64), potential(64)];
  const both = core.diagnostics(Float64Array.of(...quiet, ...loud), z);
  assertEquals(both, core.diagnostics(Float64Array.of(...loud, ...quiet), z));
  const [a, b] = [core.diagnostics(quiet, z), core.diagnostics(loud, z)];
  assertEquals([a.mourre_verified, b.mourre_verified, both.mourre_verified], [true, false, false]);
  assertEquals(both.mourre_margin, Math.min(a.mourre_margin!, b.mourre_margin!));
  assertEquals(both.schatten_s2, hilbertSchmidtNorm(loud, z));
  assertEquals(both.schatten_s1_bound, traceNormBound(loud, z));
  assertEquals(
    both.lap_growth_exponent,
    Math.max(a.lap_growth_exponent!, b.lap_growth_exponent!),
  );
});

Deno.test("diagnostics() say all_finite false and nothing else, NaN in one sequence", () => {
  const core = birmanSchwingerCore({ nSeq: 16 });
  const v = potential(32);
  v[20] = NaN;
  const { all_finite, ...others } = core.diagnostics(v, Z);
  assertEquals(all_finite, false);
  assert(Object.values(others).every((value) => value === null));
  assertThrows(() => core.evaluate(v, Z), NumericError);
});

Deno.test("birmanSchwingerCore() throws, sizes and parameters", () => {
  assertThrows(() => birmanSchwingerCore({ nSeq: 8 }), UsageError, ">= 16");
  assertThrows(() => birmanSchwingerCore({ nSeq: 0, useLap: false }), UsageError, ">= 1");
  assertThrows(() => birmanSchwingerCore({ nSeq: 16, epsilon: 0 }), UsageError, "epsilon");
  const core = birmanSchwingerCore({ nSeq: 16 });
  for (const size of [0, 17]) {
    assertThrows(() => core.evaluate(new Float64Array(size), Z), UsageError, "whole sequences");
  }
  assertThrows(() => core.evaluate(new Float64Array(16), { lambda: 0, eta: 0 }), UsageError, "eta");
});
