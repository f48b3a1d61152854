/** Writes values into a row of the metric ring, which the host reads now and then. */
import source from "../../shaders/record_metric.wgsl" with { type: "text" };
import { ShapeError } from "../errors.ts";
import { type Attributes, input, type Op, output, type Trial } from "../graph/op.ts";
import { expectRank, expectShape, f32, formatShape, i32, sizeOf } from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { apply } from "../graph/trace.ts";
import { dispatchThreads } from "./dispatch_threads.ts";

export interface RecordMetricAttributes extends Attributes {
  /** First column written. */
  readonly column: number;
}

/** ring (slots, columns), slot (1) i32, values (n): ring[slot mod slots, column .. column + n) = values. */
export function recordMetric(
  inputs: { readonly ring: Tensor; readonly slot: Tensor; readonly values: Tensor },
  attributes: RecordMetricAttributes,
): void {
  apply(op, [inputs.ring, inputs.slot, inputs.values], attributes);
}

const trial = (
  name: string,
  slot: number,
  column: number,
  values: number,
): Trial<RecordMetricAttributes> => ({
  name,
  inputs: [
    { type: f32(3, 70), law: "normal" },
    { type: i32(1), law: [slot] },
    { type: f32(values), law: "normal" },
  ],
  attributes: { column },
  tolerance: 0, // copies
  gradientTolerance: false,
});

export const op: Op<RecordMetricAttributes> = {
  name: "record_metric",
  signature: {
    doc: "Writes values into a row of the metric ring; overwrites its first input",
    inputs: [
      { name: "ring", doc: "(slots, columns)" },
      { name: "slot", doc: "(1) i32, taken modulo slots" },
      { name: "values", doc: "any shape, n values" },
    ],
    outputs: [{ name: "ring", doc: "(slots, columns)" }],
    params: { column: { doc: "first column written" } },
  },
  infer: ([ring, slot, values], { column }) => {
    expectRank("the metric ring", ring, { rank: 2 });
    expectShape("the slot of a metric", slot, i32(1));
    if (column + sizeOf(values.shape) > ring.shape[1]) {
      throw new ShapeError(
        `Cannot record ${formatShape(values.shape)} from column ${column}: the ring has ${
          ring.shape[1]
        } columns`,
      );
    }
    return [ring];
  },
  updates: { 0: 0 },
  reference: (
    { inputs: [type], attributes: { column } },
    { inputs: [ring, [slot], values], outputs: [y] },
  ) => {
    y.set(ring);
    y.set(values, (slot % type.shape[0]) * type.shape[1] + column);
  },
  lower: {
    webgpu: ({ inputs: [ring, , values], attributes: { column } }) => [
      dispatchThreads({
        source,
        shader: "record_metric",
        threads: sizeOf(values.shape),
        overrides: { SLOTS: ring.shape[0], COLUMNS: ring.shape[1], COLUMN: column },
        bindings: [output(0), input(1), input(2)],
      }),
    ],
  },
  cost: ({ inputs: [, , values] }) => ({ flops: 0, bytes: 8 * sizeOf(values.shape) }),
  trials: [trial("one value in the first row", 0, 0, 1), trial("a second lap", 4, 3, 67)],
};
