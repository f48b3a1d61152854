import { assert, assertEquals } from "@std/assert";
import golden from "../../golden/random_python.json" with { type: "json" };
import { permutation } from "../../../core/random/permutation.ts";
import { stream } from "../../../core/random/streams.ts";

Deno.test("permutation() is the one an implementation in Python gives", () => {
  for (const { seed, epoch, n, values } of golden.permutations) {
    assertEquals([...permutation(stream(seed, "order"), epoch, n)], values);
  }
});

Deno.test("permutation() holds every index once, sizes 0 to 1001", () => {
  for (const n of [0, 1, 2, 3, 31, 256, 1001]) {
    const found = permutation(stream(1, "order"), 3, n);
    assertEquals([...found].sort((a, b) => a - b), [...Array(n).keys()]);
  }
});

Deno.test("permutation() gives all orders of four items equally often over 4800 epochs", () => {
  const counts = new Map<string, number>();
  const from = stream(8, "order");
  for (let epoch = 0; epoch < 4800; epoch++) {
    const order = permutation(from, epoch, 4).join();
    counts.set(order, (counts.get(order) ?? 0) + 1);
  }
  assertEquals(counts.size, 24);
  const statistic = [...counts.values()].reduce((sum, count) => sum + (count - 200) ** 2 / 200, 0);
  // scipy 1.17.1: chi2.isf(0.001, 23) = 49.73
  assert(statistic <= 49.73, `chi-square of ${statistic} at 23 degrees of freedom`);
});
