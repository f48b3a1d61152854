import { assert, assertEquals, assertThrows } from "@std/assert";
import golden from "../../golden/random_python.json" with { type: "json" };
import { bits, stream } from "../../../core/random/streams.ts";
import { uniform } from "../../../core/random/uniform.ts";

Deno.test("bits() are those of an implementation in Python, seeds, names and positions at the ends of their ranges", () => {
  for (const { seed, name, step, index, word } of golden.words) {
    assertEquals(
      bits(stream(seed, name), { step, index }),
      word,
      `${seed}/${name} ${step} ${index}`,
    );
  }
});

Deno.test("bits() at step 900 need no earlier step, and other streams and positions shift nothing", () => {
  const at = { step: 900, index: 5 };
  const alone = bits(stream(42, "order"), at);
  const order = stream(42, "order");
  const other = stream(42, "init/new_layer");
  for (let step = 0; step < 50; step++) {
    bits(order, { step, index: 0 });
    bits(other, { step, index: 0 });
  }
  assertEquals(bits(order, at), alone);
});

Deno.test("stream() of another name or seed has other words, and half of their bits differ", () => {
  const of = (seed: number, name: string): readonly number[] => {
    const from = stream(seed, name);
    return Array.from({ length: 1000 }, (_, index) => bits(from, { step: 0, index }));
  };
  const base = of(1, "init/a");
  // Digits and slashes in names must not make two streams one.
  for (
    const [seed, name] of [[1, "init/b"], [2, "init/a"], [1, "init/"], [11, "init/a"], [
      1,
      "1/init/a",
    ]] as const
  ) {
    const others = of(seed, name);
    const differing = base.reduce(
      (sum, word, i) => sum + ((word ^ others[i]) >>> 0).toString(2).replaceAll("0", "").length,
      0,
    );
    // 32000 fair coins: standard deviation 89; five of them.
    assert(Math.abs(differing - 16000) <= 447, `${seed}/${name}: ${differing} of 32000 bits`);
  }
});

Deno.test("stream() refuses seeds outside 0..2^32 - 1", () => {
  for (const seed of [-1, 1.5, 2 ** 32, NaN, Infinity]) {
    assertThrows(() => stream(seed, "order"), RangeError, `0..4294967295, got ${seed}`);
  }
});

Deno.test("uniform() lies in the open interval and is (k + 1/2) / 2^32 of its word, exactly", () => {
  for (const { seed, name, step, index, word } of golden.words) {
    const u = uniform(stream(seed, name), { step, index });
    assert(u > 0 && u < 1);
    assertEquals(u * 2 ** 33, 2 * word + 1); // products with powers of two are exact
  }
});

Deno.test("uniform() is uniform: Kolmogorov-Smirnov over 20000 draws", () => {
  const n = 20000;
  const from = stream(3, "uniform");
  const sorted = Float64Array.from({ length: n }, (_, index) => uniform(from, { step: 7, index }))
    .sort();
  const distance = sorted.reduce(
    (worst, u, i) => Math.max(worst, Math.abs(u - i / n), Math.abs(u - (i + 1) / n)),
    0,
  );
  // P(sqrt(n) D > 1.95) = 0.001.
  assert(Math.sqrt(n) * distance <= 1.95, `sqrt(n) D = ${Math.sqrt(n) * distance}`);
});
