/**
 * Angle of the point (x, y), from a polynomial of our own: the built-in may be off by 4096 ulp.
 *
 * Departures
 *   Zeros of both signs count as +0, so the angle of (-1, -0) is pi; the angle of (0, 0) is 0. The gradient divides
 *   by |z|^2 in f32: it is right for |z| within 1e-18 to 1e18, infinite or 0 beyond, and not a number at 0 and at
 *   infinite parts.
 */
import {
  abs,
  add,
  argument,
  constant,
  div,
  type Expression,
  less,
  max,
  min,
  mul,
  nan,
  neg,
  sub,
} from "../graph/expression.ts";
import { stopped } from "../graph/op.ts";
import { f32, type Indexing } from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { apply } from "../graph/trace.ts";
import { applyExpression, type ElementwiseOp, elementwiseOp, indexingsOf } from "./elementwise.ts";
import { sumTo } from "./sum_to.ts";

/** y, x: shapes that broadcast → angle in (-pi, pi]. Off by at most 5e-7; NaN where y or x is. */
export function atan2(y: Tensor, x: Tensor): Tensor {
  return apply(op, [y, x], op.trials[0].attributes);
}

/**
 * c_0 ... c_7 of atan r = r (c_0 + c_1 r^2 + ... + c_7 r^14) on [0, 1], off by 3.8e-8 before rounding. Made by
 * tests/golden/atan2_coefficients.ts.
 */
export const ATAN_COEFFICIENTS: readonly number[] = [
  0.9999993443489075,
  -0.33329859375953674,
  0.19946566224098206,
  -0.1390862911939621,
  0.0964219719171524,
  -0.0559123270213604,
  0.02186295948922634,
  -0.004054567310959101,
];

const ZERO = constant(0);
const LARGEST = constant((2 - 2 ** -23) * 2 ** 127);

/** Quotient of the smaller by the larger modulus, its arc tangent, then the octant by reflections. */
function angle(y: Expression, x: Expression): Expression {
  const [ax, ay] = [abs(x), abs(y)];
  const larger = max(ax, ay);
  const smaller = min(ax, ay);
  const quotient = less(ZERO, larger, { then: div(smaller, larger), otherwise: ZERO });
  // The quotient of two infinities is not a number, but IEEE 754 has them on a diagonal.
  const r = less(LARGEST, smaller, { then: constant(1), otherwise: quotient });
  const q = mul(r, r);
  const sum = ATAN_COEFFICIENTS.map(constant).reduceRight((rest, c) => add(mul(rest, q), c));
  const low = mul(r, sum);
  const upper = less(ax, ay, { then: sub(constant(Math.PI / 2), low), otherwise: low });
  const half = less(x, ZERO, { then: sub(constant(Math.PI), upper), otherwise: upper });
  const known = less(y, ZERO, { then: neg(half), otherwise: half });
  return add(known, add(nan(y), nan(x)));
}

const base = elementwiseOp({
  name: "atan2",
  doc: "Angle of the point (x, y) in (-pi, pi]",
  operands: ["y", "x"],
  expression: angle(argument(0), argument(1)),
  trials: [
    {
      name: "all octants",
      inputs: [{ type: f32(1021), law: "normal" }, { type: f32(1021), law: "normal" }],
      tolerance: 1.6e-7, // 5e-7 of pi: the polynomial, and rounding near pi
      gradientTolerance: 2e-6, // quotients by squares
    },
    {
      name: "axes and diagonals",
      inputs: [
        { type: f32(8), law: [0, 1, 1, 1, 0, -1, -1, -1] },
        { type: f32(8), law: [1, 1, 0, -1, -1, -1, 0, 1] },
      ],
      tolerance: 1.6e-7,
      gradientTolerance: false, // the angle jumps at the negative x axis
    },
    {
      name: "infinite parts and the largest numbers",
      inputs: [
        { type: f32(3, 1), law: [Infinity, -Infinity, -1] },
        { type: f32(5), law: [Infinity, -Infinity, 2, 3.4e38, -3.4e38] },
      ],
      tolerance: 1.6e-7,
      gradientTolerance: false, // not a number
    },
    {
      name: "broadcast, tiny and huge",
      inputs: [
        { type: f32(3), law: [1e-30, 1, 1e30] },
        { type: f32(5, 1), law: [-1e30, -1e-30, 1e-30, 3, 1e30] },
      ],
      tolerance: 1.6e-7,
      gradientTolerance: false, // x^2 + y^2 leaves the range of f32
    },
  ],
});

/** x / (x^2 + y^2) by y and -y / (x^2 + y^2) by x, times the cotangent: exact, where the polynomial is not. */
const [Y, X, COTANGENT] = [0, 1, 2].map(argument);
const SQUARE = add(mul(X, X), mul(Y, Y));
const SLOPES: readonly Expression[] = [
  mul(div(X, SQUARE), COTANGENT),
  mul(div(neg(Y), SQUARE), COTANGENT),
];

export const op: ElementwiseOp = {
  ...base,
  vjp: ({ inputs, needs, cotangents: [dy] }) => {
    if (!dy) return [];
    return inputs.map((operand, index) => {
      if (!needs[index]) return stopped;
      const slope = applyExpression("atan2_vjp", SLOPES[index], [...inputs, dy]);
      return sumTo(slope, operand.type.shape);
    });
  },
  reference: (site, { inputs: [y, x], outputs: [angles] }) => {
    const [ofY, ofX] = indexingsOf(site);
    const read = (values: Float64Array, { inner, size }: Indexing, i: number): number =>
      values[Math.floor(i / inner) % size] + 0; // -0 counts as 0
    angles.forEach((_, i) => angles[i] = Math.atan2(read(y, ofY, i), read(x, ofX, i)));
  },
};
