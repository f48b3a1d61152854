/** Cotangent of the rows that `rms_norm` normalised. */
import source from "../../shaders/rms_norm.wgsl" with { type: "text" };
import type { Op, Trial } from "../graph/op.ts";
import { f32, sizeOf } from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { apply } from "../graph/trace.ts";
import {
  inferNormVjp,
  lowerNormVjp,
  type NormVjpInputs,
  normVjpSignature,
} from "./normalised_rows.ts";

/** xhat, dxhat (rows, columns), inverse (rows, 1) → inverse (dxhat - xhat mean(dxhat xhat)). */
export function rmsNormVjp(site: NormVjpInputs): Tensor {
  return apply(op, [site.xhat, site.inverse, site.dxhat], {});
}

const trial = (name: string, rows: number, columns: number): Trial => ({
  name,
  inputs: [
    { type: f32(rows, columns), law: "awkward" },
    { type: f32(rows, 1), law: "positive" },
    { type: f32(rows, columns), law: "normal" },
  ],
  attributes: {},
  tolerance: 1e-5, // the mean is a sum of terms of both signs
  gradientTolerance: false,
});

export const op: Op = {
  name: "rms_norm_vjp",
  signature: normVjpSignature("rms_norm"),
  infer: inferNormVjp,
  reference: ({ inputs: [type] }, { inputs: [xhat, inverse, dxhat], outputs: [dx] }) => {
    const [rows, columns] = type.shape;
    // The Jacobian of row i: d xhat_k / d x_j = inverse_i (1 [j = k] - xhat_j xhat_k / columns).
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < columns; j++) {
        let total = 0;
        for (let k = 0; k < columns; k++) {
          const jacobian = (j === k ? 1 : 0) -
            xhat[i * columns + j] * xhat[i * columns + k] / columns;
          total += dxhat[i * columns + k] * inverse[i] * jacobian;
        }
        dx[i * columns + j] = total;
      }
    }
  },
  lower: lowerNormVjp({ source, shader: "rms_norm" }),
  rounds: ({ inputs: [x] }) => 2 * x.shape[x.shape.length - 1],
  cost: ({ inputs: [xhat] }) => ({
    flops: 5 * sizeOf(xhat.shape),
    bytes: 4 * (3 * sizeOf(xhat.shape) + xhat.shape[0]),
  }),
  trials: [
    trial("one value", 1, 1),
    trial("a prime number of columns", 13, 67),
    trial("one run of columns and a row more than a workgroup", 65, 32),
    trial("wide rows", 3, 1024),
  ],
};
