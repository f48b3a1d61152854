import { assert, assertEquals } from "@std/assert";
import { type Lifetime, place } from "../../../core/plan/lifetimes.ts";
import { ALIGNMENT } from "../../../core/plan/plan.ts";
import { bits, stream } from "../../../core/random/streams.ts";

function randomRequests(seed: number): readonly Lifetime[] {
  const from = stream(seed, "requests");
  const draw = (step: number, index: number, n: number): number => bits(from, { step, index }) % n;
  return Array.from({ length: draw(0, 0, 60) }, (_, k) => {
    const born = draw(k + 1, 1, 40);
    // Sizes below, at and above the alignment, and equal ones.
    const bytes = [16, 240, 256, 272, 1024, 16 * (1 + draw(k + 1, 2, 500))][draw(k + 1, 3, 6)];
    return { bytes, born, dies: born + draw(k + 1, 4, 12) };
  });
}

function meetInTime(a: Lifetime, b: Lifetime): boolean {
  for (let step = a.born; step <= a.dies; step++) if (b.born <= step && step <= b.dies) return true;
  return false;
}

const padded = (bytes: number): number => Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;

for (const share of [true, false]) {
  Deno.test(`place() never gives two living requests one byte, share ${share}, 300 random sets`, () => {
    for (let seed = 0; seed < 300; seed++) {
      const requests = randomRequests(seed);
      const { offsets, bytes } = place(requests, { share });
      assertEquals(offsets.length, requests.length);
      requests.forEach((a, i) => {
        assertEquals(offsets[i] % ALIGNMENT, 0);
        assert(
          offsets[i] >= 0 && offsets[i] + a.bytes <= bytes,
          `request ${i} of set ${seed} sticks out`,
        );
        requests.slice(0, i).forEach((b, j) => {
          if (share && !meetInTime(a, b)) return;
          const apart = offsets[i] + a.bytes <= offsets[j] || offsets[j] + b.bytes <= offsets[i];
          assert(apart, `requests ${i} and ${j} of set ${seed} overlap`);
        });
      });
    }
  });
}

Deno.test("place() needs at most the sum of all requests, and at least what lives at one time", () => {
  for (let seed = 0; seed < 300; seed++) {
    const requests = randomRequests(seed);
    const { bytes } = place(requests, { share: true });
    const living = Array.from(
      { length: 60 },
      (_, step) =>
        requests.filter((r) => r.born <= step && step <= r.dies).reduce(
          (sum, r) => sum + r.bytes,
          0,
        ),
    );
    const sum = requests.reduce((total, r) => total + padded(r.bytes), 0);
    assert(bytes <= sum && bytes >= Math.max(...living), `set ${seed} takes ${bytes} bytes`);
    assertEquals(place(requests, { share: false }).bytes, sum);
  }
});

Deno.test("place() reuses memory as soon as its holder is dead, not before", () => {
  const at = (born: number, dies: number): Lifetime => ({ bytes: 512, born, dies });
  assertEquals(place([at(0, 1), at(2, 3), at(4, 4)], { share: true }), {
    offsets: [0, 0, 0],
    bytes: 512,
  });
  assertEquals(place([at(0, 2), at(2, 3)], { share: true }), { offsets: [0, 512], bytes: 1024 });
  assertEquals(place([], { share: true }), { offsets: [], bytes: 0 });
});
