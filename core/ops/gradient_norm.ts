/** Euclidean norm of a flat gradient, and a flag for values that are not finite. */
import source from "../../shaders/gradient_norm.wgsl" with { type: "text" };
import {
  type Attributes,
  type Binding,
  type Dispatch,
  input,
  type LaunchLimits,
  type Op,
  output,
  scratch,
  type Trial,
} from "../graph/op.ts";
import { expectRank, f32 } from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { applyAll } from "../graph/trace.ts";
import { alignedRows, launchByRows, perRow } from "./row_shards.ts";

/** Elements per partial sum of squares. */
const CHUNK = 4096;
/** A partial sum and a flag. */
const BYTES_PER_CHUNK = 8;
const WORKGROUP = 64;

/** x (n) → norm (1) and nonFinite (1): the number of chunks of 4096 that hold a NaN or an infinity. */
export function gradientNorm(x: Tensor): { readonly norm: Tensor; readonly nonFinite: Tensor } {
  const [norm, nonFinite] = applyAll(op, [x], {});
  return { norm, nonFinite };
}

function launch(entryPoint: string, options: {
  readonly count: number;
  readonly size: number;
  readonly lanes: number;
  readonly bindings: readonly Binding[];
}): Dispatch {
  return {
    source,
    shader: "gradient_norm",
    entryPoint,
    overrides: {
      SIZE: options.size,
      CHUNK,
      CHUNKS: Math.ceil(options.size / CHUNK),
      WORKGROUP: options.lanes,
    },
    bindings: options.bindings,
    workgroups: Math.ceil(options.count / options.lanes),
  };
}

/** The partial sums, cut where chunks end. */
function partials(size: number, limits: LaunchLimits = {}): readonly Dispatch[] {
  return launchByRows({
    rows: size,
    perRow: [perRow(input(0), 4)],
    multipleOf: CHUNK * alignedRows(BYTES_PER_CHUNK),
    ...limits,
  }, ({ first, rows }) => {
    const count = Math.ceil(rows / CHUNK);
    const to = rows === size ? scratch(0) : {
      ...scratch(0),
      byteOffset: first / CHUNK * BYTES_PER_CHUNK,
      byteLength: count * BYTES_PER_CHUNK,
    };
    return [launch("partials", { count, size: rows, lanes: 8, bindings: [input(0), to] })];
  });
}

const trial = (
  name: string,
  size: number,
  law: Trial["inputs"][number]["law"],
): Trial<Attributes> => ({
  name,
  inputs: [{ type: f32(size), law }],
  attributes: {},
  tolerance: 2e-6, // sums of squares in runs of 64 within chunks of 4096
  gradientTolerance: false,
});

export const op: Op = {
  name: "gradient_norm",
  signature: {
    doc: "Euclidean norm of a vector and a count of chunks that are not finite",
    inputs: [{ name: "x", doc: "(n)" }],
    outputs: [{ name: "norm", doc: "(1)" }, {
      name: "non_finite",
      doc: "(1): chunks of 4096 with NaN or infinity",
    }],
    params: {},
  },
  infer: ([x]) => {
    expectRank("the gradient", x, { rank: 1 });
    return [f32(1), f32(1)];
  },
  reference: (_, { inputs: [x], outputs: [norm, nonFinite] }) => {
    norm[0] = Math.sqrt(x.reduce((total, value) => total + value * value, 0));
    nonFinite[0] = 0;
    for (let first = 0; first < x.length; first += CHUNK) {
      nonFinite[0] += Number(
        x.subarray(first, first + CHUNK).some((value) => !Number.isFinite(value)),
      );
    }
  },
  scratch: ({ inputs: [x] }) => [f32(Math.ceil(x.shape[0] / CHUNK), 2)],
  lower: {
    webgpu: ({ inputs: [{ shape: [size] }] }, _, limits) => {
      const bindings = [scratch(0), output(0), output(1)];
      return [
        ...partials(size, limits),
        launch("total", { count: 1, size, lanes: WORKGROUP, bindings }),
      ];
    },
  },
  cost: ({ inputs: [x] }) => ({ flops: 2 * x.shape[0], bytes: 4 * x.shape[0] }),
  trials: [
    trial("one element", 1, "normal"),
    trial("one below a chunk", 4095, "normal"),
    trial("beyond a workgroup of chunks", 4096 * 9 + 1, "awkward"),
  ],
};
