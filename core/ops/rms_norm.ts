/**
 * Rows divided by their root mean square.
 *
 * Source: Zhang and Sennrich, "Root mean square layer normalization" (2019), equation (4), without the gain.
 * Departure: epsilon is added to the mean square, as every implementation does.
 */
import source from "../../shaders/rms_norm.wgsl" with { type: "text" };
import type { Op, Trial } from "../graph/op.ts";
import { f32, sizeOf } from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { applyAll } from "../graph/trace.ts";
import { rmsNormVjp } from "./rms_norm_vjp.ts";
import { inferNorm, lowerNorm, type NormAttributes, normGradient } from "./normalised_rows.ts";
import { opWithTail } from "./op_with_tail.ts";

/** x (rows, columns) → x / sqrt(mean(x²) + epsilon), row by row. @throws {ShapeError} Unless x has rank 2 */
export function rmsNormalise(x: Tensor, options: { readonly epsilon: number }): Tensor {
  return applyAll(op, [x], { epsilon: Math.fround(options.epsilon) })[0];
}

const trial = (name: string, rows: number, columns: number): Trial<NormAttributes> => ({
  name,
  inputs: [{ type: f32(rows, columns), law: "awkward" }],
  attributes: { epsilon: Math.fround(1e-5) },
  tolerance: 2e-6, // a handful of roundings after a sum of positive terms
  gradientTolerance: 1e-5,
});

export const op: Op<NormAttributes> = {
  name: "rms_norm",
  signature: {
    doc: "Rows divided by their root mean square",
    inputs: [{ name: "x", doc: "(rows, columns)" }],
    outputs: [
      { name: "xhat", doc: "(rows, columns)" },
      { name: "inverse", doc: "(rows, 1), 1 / sqrt(mean(x²) + epsilon)" },
    ],
    params: { epsilon: { default: 1e-5, doc: "added to the mean square" } },
  },
  infer: inferNorm,
  vjp: (site) => normGradient(site, rmsNormVjp),
  withTail: (tail) => opWithTail(op, tail),
  reference: ({ inputs: [type], attributes }, { inputs: [x], outputs: [xhat, inverse] }) => {
    const [rows, columns] = type.shape;
    for (let i = 0; i < rows; i++) {
      const row = x.subarray(i * columns, (i + 1) * columns);
      const meanSquare = row.reduce((sum, value) => sum + value ** 2, 0) / columns;
      inverse[i] = (meanSquare + attributes.epsilon) ** -0.5;
      row.forEach((value, j) => xhat[i * columns + j] = value * inverse[i]);
    }
  },
  lower: lowerNorm({ source, shader: "rms_norm" }),
  rounds: ({ inputs: [x] }) => 2 * x.shape[x.shape.length - 1],
  cost: ({ inputs: [x] }) => ({
    flops: 3 * sizeOf(x.shape),
    bytes: 4 * (2 * sizeOf(x.shape) + x.shape[0]),
  }),
  trials: [
    trial("one value", 1, 1),
    trial("a prime number of columns", 13, 67),
    trial("one run of columns and a row more than a workgroup", 65, 32),
    trial("one column more than a run, a row less than a workgroup", 63, 33),
    trial("wide rows", 3, 1024),
  ],
};
