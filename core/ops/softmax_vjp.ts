/** Backward pass of softmax. */
import source from "../../shaders/softmax.wgsl" with { type: "text" };
import { input, type Op, output, type Trial } from "../graph/op.ts";
import { expectShape, f32, type Shape, sizeOf } from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { apply } from "../graph/trace.ts";
import { dispatchThreads } from "./dispatch_threads.ts";
import { launchByRows, perRow } from "./row_shards.ts";

/** dx = y (dy - sum over the last axis of y dy). y, dy: (…, columns) → (…, columns). */
export function softmaxVjp(y: Tensor, dy: Tensor): Tensor {
  return apply(op, [y, dy], {});
}

const trial = (name: string, shape: Shape): Trial => ({
  name,
  inputs: [{ type: f32(...shape), law: "positive" }, { type: f32(...shape), law: "awkward" }],
  attributes: {},
  tolerance: 1e-5, // sums of up to 130 products of both signs
  gradientTolerance: false,
});

export const op: Op = {
  name: "softmax_vjp",
  signature: {
    doc: "Backward pass of softmax: y (dy - sum of y dy over the last axis)",
    inputs: [{ name: "y", doc: "(…, columns)" }, { name: "dy", doc: "(…, columns)" }],
    outputs: [{ name: "dx", doc: "(…, columns)" }],
    params: {},
  },
  infer: ([y, dy]) => {
    expectShape("dy", dy, y);
    return [y];
  },
  reference: ({ inputs: [type] }, { inputs: [y, dy], outputs: [dx] }) => {
    const columns = type.shape[type.shape.length - 1];
    for (let first = 0; first < y.length; first += columns) {
      for (let i = first; i < first + columns; i++) {
        // Row i of the Jacobian: dy_j / dx_i = y_j ([i = j] - y_i).
        let total = 0;
        for (let j = first; j < first + columns; j++) {
          total += dy[j] * y[j] * ((i === j ? 1 : 0) - y[i]);
        }
        dx[i] = total;
      }
    }
  },
  lower: {
    webgpu: ({ inputs: [y] }, _, limits) => {
      const columns = y.shape[y.shape.length - 1];
      const rows = sizeOf(y.shape) / columns;
      const bindings = [input(0), input(1), output(0)];
      const tensors = bindings.map((binding) => perRow(binding, 4 * columns));
      return launchByRows({ rows, perRow: tensors, ...limits }, (range) => [dispatchThreads({
        source,
        shader: "softmax",
        entryPoint: "backward",
        threads: range.rows,
        overrides: { COLUMNS: columns },
        bindings,
      })]);
    },
  },
  rounds: ({ inputs: [x] }) => 2 * x.shape[x.shape.length - 1],
  cost: ({ inputs: [y] }) => ({ flops: 4 * sizeOf(y.shape), bytes: 12 * sizeOf(y.shape) }),
  trials: [trial("one column", [2, 1]), trial("primes", [67, 31]), trial("wide rows", [3, 130])],
};
