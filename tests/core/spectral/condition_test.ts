import { assert, assertThrows } from "@std/assert";
import { UsageError } from "../../../core/errors.ts";
import { conditionBound, conditionEstimate } from "../../../core/spectral/condition.ts";
import { operatorNorm } from "../../../core/spectral/operator_norm.ts";
import { latticeHamiltonian, tridiagonal } from "../../../core/spectral/tridiagonal.ts";
import golden from "../../golden/spectral_numpy.json" with { type: "json" };
import { assertClose } from "../stats/_assert_close.ts";

Deno.test("conditionEstimate() is below and near the dense condition number, conditionBound() above", () => {
  for (const { v, lambda, eta, condition } of golden.determinants) {
    const h = latticeHamiltonian(v);
    const estimate = conditionEstimate(h, { lambda, eta });
    assert(estimate <= condition * (1 + 1e-10), `${estimate} > ${condition}`);
    assert(estimate >= 0.9 * condition, `${estimate} is far below ${condition}`);
    assert(conditionBound(h, { lambda, eta }) >= condition);
  }
});

Deno.test("conditionBound() throws, matrix not symmetric", () => {
  const h = tridiagonal({ diagonal: [0, 0], upper: [1], lower: [2] });
  assertThrows(() => conditionBound(h, { lambda: 0, eta: 1 }), UsageError, "lower[0] = 2");
  assertThrows(() => conditionEstimate(h, { lambda: 0, eta: 1 }), UsageError, "lower[0] = 2");
});

Deno.test("operatorNorm() finds the largest entry of a diagonal map, complex entries", () => {
  const d = { re: [1, 0, -3], im: [0, 2, 4] };
  const times = (sign: number) => (x: { re: Float64Array; im: Float64Array }) => ({
    re: x.re.map((value, k) => d.re[k] * value - sign * d.im[k] * x.im[k]),
    im: x.re.map((value, k) => sign * d.im[k] * value + d.re[k] * x.im[k]),
  });
  const { value, settled } = operatorNorm(times(1), { adjoint: times(-1), size: 3 });
  assertClose(["norm", value], 5, { relative: 1e-6 });
  assert(settled);
});

Deno.test("operatorNorm() says so if it stops early, and is 0 for the zero map", () => {
  const halves = (x: { re: Float64Array; im: Float64Array }) => ({
    re: x.re.map((value, k) => value * (1 - k / 1000)),
    im: x.im.map((value, k) => value * (1 - k / 1000)),
  });
  const early = operatorNorm(halves, { adjoint: halves, size: 200, maxRounds: 2 });
  assert(!early.settled && early.rounds === 2 && early.value < 1);
  const zero = (x: { re: Float64Array; im: Float64Array }) => ({
    re: x.re.map(() => 0),
    im: x.im.map(() => 0),
  });
  assert(operatorNorm(zero, { adjoint: zero, size: 4 }).value === 0);
});
