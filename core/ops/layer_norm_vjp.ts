/** Cotangent of the rows that `layer_norm` normalised. */
import source from "../../shaders/layer_norm.wgsl" with { type: "text" };
import { type Attributes, input, type Op, output, type Trial } from "../graph/op.ts";
import { expectRank, expectShape, f32, sizeOf } from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { apply } from "../graph/trace.ts";

/** xhat, dxhat (rows, columns), inverse (rows, 1) → inverse (dxhat - mean(dxhat) - xhat mean(dxhat xhat)). */
export function layerNormVjp(site: {
  readonly xhat: Tensor;
  readonly inverse: Tensor;
  readonly dxhat: Tensor;
}): Tensor {
  return apply(op, [site.xhat, site.inverse, site.dxhat], {});
}

const WORKGROUP = 64;

const trial = (name: string, rows: number, columns: number): Trial => ({
  name,
  inputs: [
    { type: f32(rows, columns), law: "awkward" },
    { type: f32(rows, 1), law: "positive" },
    { type: f32(rows, columns), law: "normal" },
  ],
  attributes: {},
  tolerance: 1e-5, // the means are sums of terms of both signs
  gradientTolerance: false,
});

export const op: Op<Attributes> = {
  name: "layer_norm_vjp",
  signature: {
    doc: "Cotangent of the rows that layer_norm normalised",
    inputs: [
      { name: "xhat", doc: "(rows, columns), normalised rows" },
      { name: "inverse", doc: "(rows, 1), factors they were multiplied by" },
      { name: "dxhat", doc: "(rows, columns), cotangent of xhat" },
    ],
    outputs: [{ name: "dx", doc: "(rows, columns)" }],
    params: {},
  },
  infer: ([xhat, inverse, dxhat]) => {
    expectRank("normalised rows", xhat, { rank: 2 });
    expectShape("the factors of the rows", inverse, f32(xhat.shape[0], 1));
    expectShape("the cotangent of the rows", dxhat, xhat);
    return [f32(...xhat.shape)];
  },
  reference: ({ inputs: [type] }, { inputs: [xhat, inverse, dxhat], outputs: [dx] }) => {
    const [rows, columns] = type.shape;
    // The Jacobian of row i: d xhat_k / d x_j = inverse_i (1 [j = k] - (1 + xhat_j xhat_k) / columns).
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < columns; j++) {
        let total = 0;
        for (let k = 0; k < columns; k++) {
          const jacobian = (j === k ? 1 : 0) -
            (1 + xhat[i * columns + j] * xhat[i * columns + k]) / columns;
          total += dxhat[i * columns + k] * inverse[i] * jacobian;
        }
        dx[i * columns + j] = total;
      }
    }
  },
  lower: {
    webgpu: ({ inputs: [xhat] }) => [{
      source,
      shader: "layer_norm",
      entryPoint: "backward",
      overrides: { ROWS: xhat.shape[0], COLUMNS: xhat.shape[1], WORKGROUP },
      bindings: [input(0), input(1), input(2), output(0)],
      workgroups: Math.ceil(xhat.shape[0] / WORKGROUP),
    }],
  },
  rounds: ({ inputs: [x] }) => 3 * x.shape[x.shape.length - 1],
  cost: ({ inputs: [xhat] }) => ({
    flops: 7 * sizeOf(xhat.shape),
    bytes: 4 * (3 * sizeOf(xhat.shape) + xhat.shape[0]),
  }),
  trials: [
    trial("one value", 1, 1),
    trial("a prime number of columns", 13, 67),
    trial("one run of columns and a row more than a workgroup", 65, 32),
    trial("wide rows", 3, 1024),
  ],
};
