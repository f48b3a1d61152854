import { assert, assertEquals, assertThrows } from "@std/assert";
import { UsageError } from "../../../core/errors.ts";
import {
  getTridiagonalInverseDiagonal,
  resolventDiagonal,
  resolventRow,
  rightPivots,
  shiftedSolver,
  squaredResolventRow,
} from "../../../core/spectral/resolvent.ts";
import {
  latticeHamiltonian,
  multiplyShifted,
  tridiagonal,
} from "../../../core/spectral/tridiagonal.ts";
import golden from "../../golden/spectral_numpy.json" with { type: "json" };
import { assertClose } from "../stats/_assert_close.ts";
import { mulberry32 } from "../stats/_random_sample.ts";
import { assertVectorClose, vectorOf } from "./_complex.ts";

// NumPy's dense inverse loses a few digits of its own at eta = 0.01.
const RTOL = 1e-12;

Deno.test("resolventDiagonal() agrees with dense inverses, both directions, N = 1 to 200", () => {
  for (const { lambda, eta, inverse_diagonal, causal, ...parts } of golden.resolvents) {
    const h = tridiagonal(parts);
    const z = { lambda, eta };
    const name = `N = ${parts.diagonal.length}, eta = ${eta}`;
    assertVectorClose([name, resolventDiagonal(h, { z })], inverse_diagonal, RTOL);
    const left = resolventDiagonal(h, { z, direction: "causal" });
    assertVectorClose([`${name}, causal`, left], causal, RTOL);
    assertEquals(
      getTridiagonalInverseDiagonal(parts.diagonal, parts.upper, parts.lower, z),
      resolventDiagonal(h, { z }),
    );
  }
});

Deno.test("resolventRow() agrees with rows of dense inverses, both directions", () => {
  for (const { lambda, eta, row, inverse_row, causal_row, ...parts } of golden.resolvents) {
    const h = tridiagonal(parts);
    const z = { lambda, eta };
    const name = `N = ${parts.diagonal.length}`;
    assertVectorClose([name, resolventRow(h, row, { z })], inverse_row, RTOL);
    const last = resolventRow(h, row, { z, direction: "causal" });
    assertVectorClose([`${name}, causal`, last], causal_row, RTOL);
  }
});

Deno.test("squaredResolventRow() holds squared moduli that sum to Im G_ii / eta, symmetric H", () => {
  const next = mulberry32(3);
  const h = latticeHamiltonian(Float64Array.from({ length: 300 }, () => 6 * next() - 3));
  for (const eta of [1, 0.1, 0.001]) {
    const z = { lambda: -1, eta };
    const diagonal = resolventDiagonal(h, { z });
    for (const row of [0, 137, 299]) {
      const weights = squaredResolventRow(h, row, { z });
      const { re, im } = resolventRow(h, row, { z });
      assertClose(["entry", weights[row]], Math.hypot(re[row], im[row]) ** 2, { relative: 1e-15 });
      const sum = weights.reduce((total, weight) => total + weight, 0);
      assertClose([`sum at ${row}`, sum], diagonal.im[row] / eta, { relative: 1e-10 });
    }
  }
});

Deno.test("shiftedSolver() agrees with dense solutions, unequal bonds", () => {
  for (const { lambda, eta, x, solution, ...parts } of golden.resolvents) {
    const solve = shiftedSolver(tridiagonal(parts), { lambda, eta });
    assertVectorClose([`N = ${parts.diagonal.length}`, solve(vectorOf(x))], solution, RTOL);
  }
});

Deno.test("shiftedSolver() leaves a small residual, N = 20000 at eta = 1e-3", () => {
  const next = mulberry32(4);
  const n = 20000;
  const h = latticeHamiltonian(Float64Array.from({ length: n }, () => 6 * next() - 3));
  const z = { lambda: 0, eta: 1e-3 };
  const x = {
    re: Float64Array.from({ length: n }, () => next() - 0.5),
    im: new Float64Array(n),
  };
  const back = multiplyShifted(h, shiftedSolver(h, z)(x), z);
  // A backward error of an ulp, times entries of the solution up to 1 / eta.
  assertVectorClose(["residual", back], { re: [...x.re], im: [...x.im] }, 1e-11);
});

Deno.test("resolventDiagonal() stays within 1/eta and above the real axis, N = 20000", () => {
  const next = mulberry32(5);
  const h = latticeHamiltonian(Float64Array.from({ length: 20000 }, () => 6 * next() - 3));
  for (const direction of ["causal", "bidirectional"] as const) {
    const { re, im } = resolventDiagonal(h, { z: { lambda: 0, eta: 1e-3 }, direction });
    assert(re.every((x, i) => im[i] > 0 && Math.hypot(x, im[i]) <= 1000 * (1 + 1e-12)));
  }
});

Deno.test("resolventDiagonal() leaks to the left only if bidirectional, last site changed", () => {
  const z = { lambda: 0, eta: 1 };
  for (const direction of ["causal", "bidirectional"] as const) {
    const of = (last: number): number =>
      resolventDiagonal(latticeHamiltonian([1, -1, 2, last]), { z, direction }).re[2];
    assertEquals(of(0) === of(1), direction === "causal");
  }
});

Deno.test("rightPivots() are pivots of the mirror image, symmetric chain", () => {
  const h = latticeHamiltonian([1, 0, -1, 0, 1]);
  const z = { lambda: -1, eta: 0.5 };
  const left = resolventDiagonal(h, { z, direction: "causal" });
  assertEquals(rightPivots(h, z).re.toReversed(), left.re);
});

Deno.test("resolventRow() throws, no such row", () => {
  const h = latticeHamiltonian([0, 0]);
  for (const row of [-1, 2, 0.5, NaN]) {
    assertThrows(() => resolventRow(h, row, { z: { lambda: 0, eta: 1 } }), UsageError, "0..1");
  }
});
