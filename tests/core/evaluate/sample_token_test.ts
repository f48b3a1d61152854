import { assert, assertEquals, assertThrows } from "@std/assert";
import { NumericError, UsageError } from "../../../core/errors.ts";
import {
  requireSampling,
  sampleToken,
  type SamplingSettings,
  tokenDistribution,
} from "../../../core/evaluate/sample_token.ts";
import { normal } from "../../../core/random/normal.ts";
import { stream } from "../../../core/random/streams.ts";
import { assertClose } from "../stats/_assert_close.ts";

const LOGITS = [0.3, -1.2, 2.1, 2.1, 0, -4, 1.4];

/** `count` draws, of which draw k stands at step k. */
function draws(sampling: SamplingSettings, count: number): readonly number[] {
  const from = stream(7, "sample");
  return Array.from(
    { length: count },
    (_, step) => sampleToken(LOGITS, { sampling, from, at: { step, index: 0 } }),
  );
}

Deno.test("tokenDistribution() is the softmax of logits / temperature, most probable first, ties by id", () => {
  // python3: e = [math.exp(x / 0.8) for x in logits]; [x / math.fsum(e) for x in e]
  const want = [
    0.0403619277307977,
    0.006189702088953882,
    0.3829433081560023,
    0.3829433081560023,
    0.027740320200713292,
    0.0001869128072500661,
    0.1596345208602805,
  ];
  const { ids, probabilities } = tokenDistribution(LOGITS, { temperature: 0.8 });
  assertEquals([...ids], [2, 3, 6, 0, 4, 1, 5]);
  ids.forEach((id, rank) =>
    assertClose([`id ${id}`, probabilities[rank]], want[id], { relative: 1e-14 })
  );
});

Deno.test("tokenDistribution() keeps exactly topK tokens, the smaller id where the last place is tied", () => {
  const of = (topK: number) => tokenDistribution(LOGITS, { temperature: 1, topK });
  for (const topK of [1, 2, 3, 7]) {
    const { ids, probabilities } = of(topK);
    assertEquals(ids.length, topK);
    assertClose(["sum", probabilities.reduce((sum, p) => sum + p, 0)], 1, { relative: 1e-14 });
  }
  assertEquals([...of(1).ids], [2]);
  assertEquals(of(50).ids.length, 7);
});

Deno.test("tokenDistribution() keeps the fewest tokens whose probability reaches topP", () => {
  const from = stream(3, "logits");
  for (let round = 0; round < 50; round++) {
    const logits = Float64Array.from(
      { length: 40 },
      (_, index) => 2 * normal(from, { step: round, index }),
    );
    const all = tokenDistribution(logits, { temperature: 1.3 });
    for (const topP of [1e-9, 0.1, 0.5, 0.9, 0.999]) {
      const { ids, probabilities } = tokenDistribution(logits, { temperature: 1.3, topP });
      const mass = (count: number): number =>
        all.probabilities.subarray(0, count).reduce((sum, p) => sum + p, 0);
      assertEquals([...ids], [...all.ids.subarray(0, ids.length)]);
      assert(mass(ids.length) >= topP - 1e-12, `mass ${mass(ids.length)} of ${ids.length} tokens`);
      assert(mass(ids.length - 1) < topP, `one token fewer has mass ${mass(ids.length - 1)} too`);
      assertClose(["sum", probabilities.reduce((sum, p) => sum + p, 0)], 1, { relative: 1e-14 });
    }
    assertEquals(tokenDistribution(logits, { temperature: 1.3, topP: 1 }), all);
  }
});

Deno.test("tokenDistribution() takes topP of what topK leaves", () => {
  // Probabilities 1/2, 1/4, 1/8, 1/8; of the first two 2/3, 1/3.
  const logits = [8, 4, 2, 2].map(Math.log2).map((x) => x * Math.LN2);
  const of = (topP: number) => tokenDistribution(logits, { temperature: 1, topK: 2, topP });
  assertEquals([...of(0.6).ids], [0]);
  assertEquals([...of(0.7).ids], [0, 1]);
  assertClose(["first", of(0.7).probabilities[0]], 2 / 3, { relative: 1e-14 });
});

Deno.test("sampleToken() draws each token as often as its distribution says, chi-square at a fixed seed", () => {
  const sampling = { temperature: 0.8, topK: 5 };
  const count = 20_000;
  const seen = new Map<number, number>();
  for (const id of draws(sampling, count)) seen.set(id, (seen.get(id) ?? 0) + 1);
  const { ids, probabilities } = tokenDistribution(LOGITS, sampling);
  assertEquals([...seen.keys()].sort(), [...ids].sort());
  const square = ids.reduce((sum, id, rank) => {
    const expected = count * probabilities[rank];
    return sum + (seen.get(id)! - expected) ** 2 / expected;
  }, 0);
  // Four degrees of freedom: P(chi-square > x) = exp(-x/2) (1 + x/2), which is 0.001 at 18.467.
  assert(square < 18.467, `chi-square ${square}`);
});

Deno.test("sampleToken() gives the same token for the same seed and place, greedy the most probable one for any", () => {
  const sampling = { temperature: 1.5, topP: 0.95 };
  assertEquals(draws(sampling, 200), draws(sampling, 200));
  assert(new Set(draws(sampling, 200)).size > 3);
  assertEquals(new Set(draws({ temperature: 0, topK: 5, topP: 0.9 }, 200)), new Set([2]));
  const cold = tokenDistribution([0, 1e3, -1e3], { temperature: 1e-3 });
  assertEquals([...cold.probabilities], [1, 0, 0]);
});

Deno.test("requireSampling() and tokenDistribution() refuse settings out of range and logits that are not finite", () => {
  const wrong: readonly (readonly [SamplingSettings, string])[] = [
    [{ temperature: -0.1 }, 'at temperature: expected a finite number >= 0, got "-0.1"'],
    [{ temperature: NaN }, 'at temperature: expected a finite number >= 0, got "NaN"'],
    [{ temperature: Infinity }, "at temperature"],
    [
      { temperature: null as unknown as number },
      'at temperature: expected a finite number >= 0, got "null"',
    ],
    [{ temperature: 1, topP: "1" as unknown as number }, "at topP"],
    [{ temperature: 1, topK: 0 }, 'at topK: expected an integer >= 1, got "0"'],
    [{ temperature: 1, topK: 1.5 }, "at topK"],
    [{ temperature: 1, topP: 0 }, 'at topP: expected a number > 0 and <= 1, got "0"'],
    [{ temperature: 1, topP: 1.01 }, "at topP"],
    [{ temperature: 1, topP: NaN }, "at topP"],
  ];
  for (const [sampling, message] of wrong) {
    assertThrows(() => requireSampling(sampling), UsageError, message);
    assertThrows(() => tokenDistribution(LOGITS, sampling), UsageError, message);
  }
  for (const bad of [NaN, Infinity, -Infinity]) {
    assertThrows(
      () => tokenDistribution([0, 1, bad], { temperature: 0 }),
      NumericError,
      `got "${bad}" for id 2`,
    );
  }
});
