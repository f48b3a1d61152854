import { assert, assertEquals } from "@std/assert";
import { directionalDerivative } from "../../../core/reference/central_difference.ts";
import { assertClose } from "../stats/_assert_close.ts";

const at = (x: readonly number[], direction: readonly number[], h: number) => ({
  x: Float64Array.from(x),
  direction: Float64Array.from(direction),
  h,
});

Deno.test("directionalDerivative() is exact on polynomials up to degree four", () => {
  // With h = 1/4 and small integers every intermediate is exact, so only 12 h rounds.
  for (let degree = 0; degree <= 4; degree++) {
    const f = ([x]: Float64Array): number => x ** degree;
    const want = degree === 0 ? 0 : degree * 3 ** (degree - 1);
    assertClose([`x^${degree}`, directionalDerivative(f, at([3], [1], 0.25))], want, {
      relative: 4e-16,
    });
  }
});

Deno.test("directionalDerivative() has an error of -4 f'''''/5! h^4 on degree five", () => {
  // Taylor: (8 (2 h^5) - 2 (2 h)^5) / 12 h = -4 h^4 for x^5 at 0.
  const f = ([x]: Float64Array): number => x ** 5;
  assertEquals(directionalDerivative(f, at([0], [1], 0.5)), -4 * 0.5 ** 4);
});

Deno.test("directionalDerivative() goes along the direction and leaves the point alone", () => {
  const options = at([1, 2, -1], [2, -1, 3], 1e-3);
  const f = ([x, y, z]: Float64Array): number => x * y * z + Math.exp(x) + Math.sin(y) * z;
  // Gradient (yz + e^x, xz + z cos y, xy + sin y) at (1, 2, -1).
  const gradient = [-2 + Math.E, -1 - Math.cos(2), 2 + Math.sin(2)];
  const want = 2 * gradient[0] - gradient[1] + 3 * gradient[2];
  assertClose(["derivative", directionalDerivative(f, options)], want, { relative: 1e-10 });
  assertEquals([...options.x, ...options.direction], [1, 2, -1, 2, -1, 3]);
});

Deno.test("directionalDerivative() is NaN where the function is, not a number that looks right", () => {
  const f = ([x]: Float64Array): number => Math.sqrt(x);
  assert(Number.isNaN(directionalDerivative(f, at([1e-9], [1], 1e-3))));
});
