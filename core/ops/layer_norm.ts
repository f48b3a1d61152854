/**
 * Rows shifted to mean 0 and scaled to variance 1.
 *
 * Source: Ba, Kiros and Hinton, "Layer normalization" (2016), equation (3), without gain and bias.
 * Departure: epsilon is added to the variance, so that a constant row gives zeros.
 */
import source from "../../shaders/layer_norm.wgsl" with { type: "text" };
import type { Op, Trial } from "../graph/op.ts";
import { f32, sizeOf } from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { applyAll } from "../graph/trace.ts";
import { layerNormVjp } from "./layer_norm_vjp.ts";
import { inferNorm, lowerNorm, type NormAttributes, normGradient } from "./normalised_rows.ts";
import { opWithTail } from "./op_with_tail.ts";

/**
 * x (rows, columns) → (x - mean(x)) / sqrt(var(x) + epsilon), row by row; the variance has divisor columns.
 *
 * @throws {ShapeError} Unless x has rank 2
 */
export function layerNormalise(x: Tensor, options: { readonly epsilon: number }): Tensor {
  return applyAll(op, [x], { epsilon: Math.fround(options.epsilon) })[0];
}

const trial = (name: string, rows: number, columns: number): Trial<NormAttributes> => ({
  name,
  inputs: [{ type: f32(rows, columns), law: "awkward" }],
  attributes: { epsilon: Math.fround(1e-5) },
  tolerance: 2e-6, // a handful of roundings after sums in short runs
  gradientTolerance: 1e-5,
});

export const op: Op<NormAttributes> = {
  name: "layer_norm",
  signature: {
    doc: "Rows shifted to mean 0 and scaled to variance 1",
    inputs: [{ name: "x", doc: "(rows, columns)" }],
    outputs: [
      { name: "xhat", doc: "(rows, columns)" },
      { name: "inverse", doc: "(rows, 1), 1 / sqrt(var(x) + epsilon)" },
    ],
    params: { epsilon: { default: 1e-5, doc: "added to the variance" } },
  },
  infer: inferNorm,
  vjp: (site) => normGradient(site, layerNormVjp),
  withTail: (tail) => opWithTail(op, tail),
  reference: ({ inputs: [type], attributes }, { inputs: [x], outputs: [xhat, inverse] }) => {
    const [rows, columns] = type.shape;
    for (let i = 0; i < rows; i++) {
      const row = x.subarray(i * columns, (i + 1) * columns);
      const mean = row.reduce((sum, value) => sum + value, 0) / columns;
      const variance = row.reduce((sum, value) => sum + (value - mean) ** 2, 0) / columns;
      inverse[i] = (variance + attributes.epsilon) ** -0.5;
      row.forEach((value, j) => xhat[i * columns + j] = (value - mean) * inverse[i]);
    }
  },
  lower: lowerNorm({ source, shader: "layer_norm" }),
  rounds: ({ inputs: [x] }) => 3 * x.shape[x.shape.length - 1],
  cost: ({ inputs: [x] }) => ({
    flops: 6 * sizeOf(x.shape),
    bytes: 4 * (2 * sizeOf(x.shape) + x.shape[0]),
  }),
  trials: [
    trial("one value", 1, 1),
    trial("a prime number of columns", 13, 67),
    trial("one run of columns and a row more than a workgroup", 65, 32),
    trial("one column more than a run, a row less than a workgroup", 63, 33),
    trial("wide rows", 3, 1024),
    {
      name: "a mean far above the deviation",
      inputs: [{ type: f32(5, 100), law: (_, draw) => 100 + draw }],
      attributes: { epsilon: Math.fround(1e-5) },
      tolerance: 1e-4, // the mean is good to 1e-7 of 100, the deviation is 0.3; one pass would lose 1e-2
      gradientTolerance: 1e-4,
    },
  ],
};
