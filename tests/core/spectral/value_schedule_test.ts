import { assert, assertEquals, assertThrows } from "@std/assert";
import { UsageError } from "../../../core/errors.ts";
import { valueSchedule } from "../../../core/spectral/value_schedule.ts";
import { assertClose } from "../stats/_assert_close.ts";

const SHAPES = ["linear", "cosine", "exponential"] as const;

/**
 * [start, end, steps, updates], then linear, cosine and exponential, in 40 digits by mpmath 1.3:
 * t = mp.mpf(updates)/steps; s + t*(e - s), e + (s - e)*(1 + mp.cos(mp.pi*t))/2, s*(e/s)**t
 */
const VALUES: readonly (readonly [readonly number[], readonly number[]])[] = [
  [[1, 0.5, 10000, 1], [0.99995, 0.9999999876629946, 0.999930687684153572]],
  [[1, 0.5, 10000, 3333], [0.83335, 0.875022671806622295, 0.793718864572014424]],
  [[1, 0.5, 10000, 9999], [0.50005, 0.5000000123370054, 0.500034658560188285]],
  [[1, 0.1, 1000, 700], [0.370000000000000004, 0.285496636468387096, 0.199526231496887968]],
  [[1e-6, 1e6, 7, 3], [428571.428572, 388739.533022454058, 0.13894954943731376]],
  [[5, 2, 3, 2], [3, 2.75, 2.71441761659490657]],
];

Deno.test("valueSchedule() is its formula in 40 digits, every shape", () => {
  for (const [[start, end, steps, updates], wanted] of VALUES) {
    SHAPES.forEach((shape, k) => {
      const value = valueSchedule({ what: "x", start, end, steps, shape })(updates);
      assertClose([`${shape} at ${updates} of ${steps}`, value], wanted[k], { relative: 1e-14 });
    });
  }
});

Deno.test("valueSchedule() never leaves the interval of its ends in f32, in either direction", () => {
  for (const shape of SHAPES) {
    for (const [start, end] of [[1, 0.3], [0.7, 3]]) {
      const valueAfter = valueSchedule({ what: "x", start, end, steps: 1000, shape });
      assertEquals([valueAfter(0), valueAfter(1000), valueAfter(5000)], [start, end, end]);
      let before = start;
      for (let updates = 1; updates <= 1000; updates++) {
        const value = valueAfter(updates);
        const [f, low, high] = [value, Math.min(start, end), Math.max(start, end)].map(Math.fround);
        assert(f >= low && f <= high, `${shape} at ${updates}: ${value}`);
        assert((value - before) * (end - start) >= 0, `${shape} turns back at ${updates}`);
        before = value;
      }
    }
  }
});

Deno.test("valueSchedule() refuses ends that f32 does not have, and says what it is for", () => {
  const base = { what: "the temperature", start: 1, end: 0.1, steps: 10, shape: "linear" } as const;
  for (const wrong of [{ end: 0 }, { end: 1e-39 }, { start: 1e39 }, { start: NaN }, { steps: 0 }]) {
    const message = "schedule of the temperature";
    assertThrows(() => valueSchedule({ ...base, ...wrong }), UsageError, message);
  }
  assertThrows(() => valueSchedule(base)(-1), UsageError, 'step "-1"');
});
