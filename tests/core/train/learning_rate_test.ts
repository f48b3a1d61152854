import { assert, assertEquals } from "@std/assert";
import { integerPower, learningRate } from "../../../core/train/learning_rate.ts";

function assertClose(got: number, want: number): void {
  const TOLERANCE = 4 * Number.EPSILON; // a handful of roundings
  assert(Math.abs(got - want) <= TOLERANCE * want, `got ${got}, expected ${want}`);
}

Deno.test("learningRate() rises linearly to the peak, then falls to a tenth at the last update", () => {
  const schedule = { steps: 10, warmupSteps: 4, learningRate: 2 };
  // By hand: 2 t/4 up to t = 4; then 2 (1 - 0.9 (t - 4)/6).
  const want = [0.5, 1, 1.5, 2, 1.7, 1.4, 1.1, 0.8, 0.5, 0.2];
  want.forEach((value, i) => assertClose(learningRate(schedule, i + 1), value));
});

Deno.test("learningRate() needs no warm-up, and may be nothing but warm-up", () => {
  assertClose(learningRate({ steps: 1, warmupSteps: 0, learningRate: 1 }, 1), 0.1);
  assertClose(learningRate({ steps: 9, warmupSteps: 0, learningRate: 1 }, 1), 0.9);
  assertClose(learningRate({ steps: 4, warmupSteps: 4, learningRate: 1 }, 4), 1);
  assertClose(learningRate({ steps: 4, warmupSteps: 8, learningRate: 1 }, 4), 0.5);
});

Deno.test("integerPower() is exact where powers are, and right at large exponents", () => {
  assertEquals([0, 1, 2, 3, 10, 31].map((n) => integerPower(2, n)), [1, 2, 4, 8, 1024, 2 ** 31]);
  assertEquals(integerPower(-3, 5), -243);
  // python3: 0.999**1000 is 0.36769542477096373
  assert(Math.abs(integerPower(0.999, 1000) - 0.36769542477096373) <= 1e-14);
});
