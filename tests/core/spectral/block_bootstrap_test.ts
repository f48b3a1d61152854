import { assert, assertEquals, assertThrows } from "@std/assert";
import { UsageError } from "../../../core/errors.ts";
import { normal } from "../../../core/random/normal.ts";
import { stream } from "../../../core/random/streams.ts";
import { blockBootstrapMean } from "../../../core/spectral/block_bootstrap.ts";

/** x_n = (e_n + … + e_{n-4}) / 5 of standard normal e: neighbours are correlated, the mean's error is 1/sqrt(n). */
function movingAverage(seed: number, n: number): number[] {
  const from = stream(seed, "moving-average");
  const e = Array.from({ length: n + 4 }, (_, index) => normal(from, { step: 0, index }));
  return Array.from({ length: n }, (_, k) => e.slice(k, k + 5).reduce((a, b) => a + b) / 5);
}

Deno.test("blockBootstrapMean() covers the mean of dependent values, 400 samples of 216", () => {
  let covered = 0;
  for (let seed = 0; seed < 400; seed++) {
    const from = stream(seed, "bootstrap");
    const { low, high } = blockBootstrapMean(movingAverage(seed, 216), { from, resamples: 200 });
    if (low <= 0 && 0 <= high) covered++;
  }
  // Blocks of 6 keep 73 % of the variance, so the interval of 95 % is expected to cover some 90 %; single draws
  // would keep 20 % of it and cover some 62 %. Standard error of the share: 0.015.
  assert(covered / 400 > 0.84 && covered / 400 < 0.97, `covered ${covered / 400}`);
});

Deno.test("blockBootstrapMean() repeats with its stream and moves with another", () => {
  const values = movingAverage(1, 100);
  const of = (seed: number) =>
    blockBootstrapMean(values, { from: stream(seed, "b"), resamples: 300 });
  assertEquals(of(1), of(1));
  assert(of(1).low !== of(2).low);
  const { low, mean, high } = of(1);
  assert(low < mean && mean < high);
});

Deno.test("blockBootstrapMean() throws, options outside their range", () => {
  const from = stream(1, "b");
  assertThrows(() => blockBootstrapMean([], { from }), UsageError);
  assertThrows(() => blockBootstrapMean([1], { from, level: 1 }), UsageError, "level");
  assertThrows(() => blockBootstrapMean([1], { from, resamples: 0 }), UsageError, "resamples");
});
