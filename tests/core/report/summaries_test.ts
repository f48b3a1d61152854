import { assertAlmostEquals, assertEquals } from "@std/assert";
import { spikeCount } from "../../../core/report/cell_metrics.ts";
import { findCell, type ReportInput, summarise } from "../../../core/report/summaries.ts";
import { goldenFixture } from "./_golden_fixture.ts";

function cellOf(input: ReportInput, arm: string) {
  const cell = findCell(summarise(input), { arm, seqLen: 128 });
  if (cell === undefined) throw new Error("No such cell");
  return cell;
}

Deno.test("summarise() gives mean, t-interval and perplexity", () => {
  const { loss } = cellOf(goldenFixture(), "resnet-bk");
  if (loss === null || loss.low === null || loss.high === null) throw new Error("No interval");
  assertAlmostEquals(loss.mean, 3.035, 1e-14); // scipy values: _golden_fixture.ts
  assertAlmostEquals(loss.low, 3.0145217532771587, 1e-12);
  assertAlmostEquals(loss.high, 3.0554782467228407, 1e-12);
  assertAlmostEquals(loss.perplexity, 20.800977899475686, 1e-12);
});

Deno.test("summarise() counts a diverged seed with the worst finite loss of the length", () => {
  const input = goldenFixture({
    diverged: ({ arm, seed }) => arm === "resnet-bk" && seed === 42,
  });
  const cell = cellOf(input, "resnet-bk");
  assertEquals(cell.diverged, 1);
  assertEquals(cell.seeds.length, 8);
  assertEquals(cell.seeds[0], { ...cell.seeds[0], seed: 42, diverged: true });
  assertAlmostEquals(cell.seeds[0].loss, 3.15, 1e-14); // the transformer's seed 49
  assertAlmostEquals(cell.loss?.mean ?? NaN, (24.28 - 3 + 3.15) / 8, 1e-14);
});

Deno.test("summarise() has no loss where everything diverged, and none where nothing ran", () => {
  const diverged = cellOf(goldenFixture({ diverged: () => true }), "resnet-bk");
  assertEquals([diverged.loss, diverged.diverged], [null, 8]);
  const missing = cellOf(goldenFixture({ missing: () => true }), "resnet-bk");
  assertEquals([missing.loss, missing.diverged, missing.planned], [null, 0, 8]);
});

Deno.test("summarise() has no interval with one seed", () => {
  const { loss } = cellOf(goldenFixture({ seeds: [42] }), "resnet-bk");
  assertEquals(loss, { mean: 3, low: null, high: null, halfWidth: null, perplexity: Math.exp(3) });
});

Deno.test("summarise() takes gradient norms over steps and seeds with n - 1", () => {
  const input = goldenFixture({ seeds: [42, 43] });
  const line = (step: number, value: number | string) => ({
    step,
    tokens: step,
    name: "grad_norm",
    value,
  });
  const [first, second] = input.plan.units.map((unit) => unit.key);
  const curves = new Map([
    [first, [line(1, 1), line(2, 2)]],
    [second, [line(1, 3), line(2, 4), line(3, "Infinity")]],
  ]);
  const cell = cellOf({ ...input, curves }, "resnet-bk");
  assertEquals(cell.gradNorm?.mean, 2.5);
  assertAlmostEquals(cell.gradNorm?.sd ?? NaN, Math.sqrt(5 / 3), 1e-15); // of 1, 2, 3, 4
});

Deno.test("spikeCount() counts losses above twice the one before", () => {
  assertEquals(spikeCount([]), 0);
  assertEquals(spikeCount([4, 8, 3, 6.001, 2]), 1); // exactly twice is no spike
  assertEquals(spikeCount([1, Infinity, 1, NaN, 5]), 1);
});
