import { assert, assertEquals, assertThrows } from "@std/assert";
import golden from "../../golden/random_python.json" with { type: "json" };
import { normal, normalQuantile } from "../../../core/random/normal.ts";
import { stream } from "../../../core/random/streams.ts";
import { assertClose } from "../stats/_assert_close.ts";

Deno.test("normalQuantile() agrees with SciPy in the centre, at both seams and far out", () => {
  for (const [p, want] of golden.quantiles) {
    // AS 241 states 1e-16; Horner in f64 costs a few more roundings, and near 1/2 they are absolute.
    assertClose([`quantile of ${p}`, normalQuantile(p)], want, {
      relative: 2e-15,
      absolute: 1e-17,
    });
  }
});

Deno.test("normalQuantile() is odd about 1/2 and rises", () => {
  let last = -Infinity;
  for (let k = 1; k < 4096; k++) {
    const p = k / 4096; // 1 - p is exact
    const value = normalQuantile(p);
    assertEquals(value, -normalQuantile(1 - p) + 0); // + 0: at 1/2 the sign of zero is free
    assert(value > last, `not above its neighbour at ${p}`);
    last = value;
  }
});

Deno.test("normalQuantile() refuses what is no probability", () => {
  for (const p of [0, 1, -0.1, 1.1, NaN]) {
    assertThrows(() => normalQuantile(p), RangeError, "(0, 1)");
  }
});

Deno.test("normal() has the moments of a standard normal law over 40000 draws", () => {
  const n = 40000;
  const from = stream(5, "normal");
  let [sum, squares, fourth] = [0, 0, 0];
  for (let index = 0; index < n; index++) {
    const z = normal(from, { step: 0, index });
    sum += z;
    squares += z * z;
    fourth += z ** 4;
  }
  // Standard errors of the means of z, z^2, z^4: 1, sqrt(2), sqrt(96) over sqrt(n); four of each.
  const error = 4 / Math.sqrt(n);
  assertClose(["mean", sum / n], 0, { relative: 0, absolute: error });
  assertClose(["variance", squares / n], 1, { relative: 0, absolute: error * Math.SQRT2 });
  assertClose(["fourth moment", fourth / n], 3, { relative: 0, absolute: error * Math.sqrt(96) });
});
