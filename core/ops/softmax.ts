/** Softmax over the last axis. */
import source from "../../shaders/softmax.wgsl" with { type: "text" };
import { ShapeError } from "../errors.ts";
import { input, type Op, output, type Trial } from "../graph/op.ts";
import { f32, formatShape, type Shape, sizeOf } from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { apply } from "../graph/trace.ts";
import { dispatchThreads } from "./dispatch_threads.ts";
import { opWithTail } from "./op_with_tail.ts";
import { launchByRows, perRow } from "./row_shards.ts";
import { softmaxVjp } from "./softmax_vjp.ts";

/**
 * Softmax over the last axis, shifted by the row's maximum. x: (…, columns) → (…, columns).
 * A row that holds NaN becomes NaN.
 */
export function softmax(x: Tensor): Tensor {
  return apply(op, [x], {});
}

const trial = (name: string, shape: Shape, law: Trial["inputs"][0]["law"]): Trial => ({
  name,
  inputs: [{ type: f32(...shape), law }],
  attributes: {},
  tolerance: 5e-6, // exp is good to 3 + 2 |x| units in the last place, |x| up to about 20 here
  gradientTolerance: 2e-5,
});

export const op: Op = {
  name: "softmax",
  signature: {
    doc: "Softmax over the last axis",
    inputs: [{ name: "x", doc: "(…, columns)" }],
    outputs: [{ name: "y", doc: "(…, columns), rows sum to 1" }],
    params: {},
  },
  infer: ([x]) => {
    if (x.shape.length === 0 || x.dtype !== "f32") {
      throw new ShapeError(
        `Cannot take the softmax of ${
          formatShape(x.shape)
        } ${x.dtype}: expected f32 with a last axis`,
      );
    }
    return [x];
  },
  vjp: ({ outputs: [y], cotangents: [dy] }) => dy ? [softmaxVjp(y, dy)] : [],
  withTail: (tail) => opWithTail(op, tail),
  reference: ({ inputs: [type] }, { inputs: [x], outputs: [y] }) => {
    const columns = type.shape[type.shape.length - 1];
    for (let first = 0; first < x.length; first += columns) {
      const row = x.subarray(first, first + columns);
      const largest = row.reduce((a, b) => Math.max(a, b));
      const total = row.reduce((sum, value) => sum + Math.exp(value - largest), 0);
      row.forEach((value, c) => y[first + c] = Math.exp(value - largest) / total);
    }
  },
  lower: {
    webgpu: ({ inputs: [x] }, _, limits) => {
      const columns = x.shape[x.shape.length - 1];
      const rows = sizeOf(x.shape) / columns;
      const bindings = [input(0), output(0)];
      const tensors = bindings.map((binding) => perRow(binding, 4 * columns));
      return launchByRows({ rows, perRow: tensors, ...limits }, (range) => [dispatchThreads({
        source,
        shader: "softmax",
        threads: range.rows,
        overrides: { COLUMNS: columns },
        bindings,
      })]);
    },
  },
  rounds: ({ inputs: [x] }) => 3 * x.shape[x.shape.length - 1],
  cost: ({ inputs: [x] }) => ({ flops: 5 * sizeOf(x.shape), bytes: 8 * sizeOf(x.shape) }),
  trials: [
    trial("one column", [3, 1], "normal"),
    trial("four experts", [131, 4], "normal"),
    trial("one row of a prime width", [67], "awkward"),
    trial("equal and large values", [65, 31], (index, u) => index % 3 === 0 ? 12 : -9 * u),
    trial("a middle axis kept", [2, 5, 33], "normal"),
    trial("a wide row", [3, 2049], "normal"),
  ],
};
