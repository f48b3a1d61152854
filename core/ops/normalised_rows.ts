/** What the normalisations of rows share: shapes, launches, and the gradient through their second output. */
import {
  type Attributes,
  input,
  type Op,
  output,
  type Signature,
  type VjpSite,
} from "../graph/op.ts";
import { expectRank, expectShape, f32, type TensorType } from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { add } from "./add.ts";
import { multiply } from "./multiply.ts";
import { launchByRows, perRow } from "./row_shards.ts";
import { scale } from "./scale.ts";

/** Settings of a normalisation. */
export interface NormAttributes extends Attributes {
  /** Added to the mean square or the variance before the root. */
  readonly epsilon: number;
}

/** Tensors of the gradient of a normalisation. */
export interface NormVjpInputs {
  readonly xhat: Tensor;
  readonly inverse: Tensor;
  readonly dxhat: Tensor;
}

/** WGSL of a normalisation, with entry points `forward` and `backward`. */
interface NormShader {
  readonly source: string;
  readonly shader: string;
}

const WORKGROUP = 64;

/** Types of xhat (rows, columns) and inverse (rows, 1). @throws {ShapeError} Unless x has rank 2 */
export function inferNorm([x]: readonly TensorType[]): readonly TensorType[] {
  expectRank("the rows of a normalisation", x, { rank: 2 });
  return [f32(...x.shape), f32(x.shape[0], 1)];
}

/** Cotangent of x: `vjp` for that of xhat, and d inverse / dx = -inverse² xhat / columns for that of inverse. */
export function normGradient(
  { inputs: [x], outputs: [xhat, inverse], cotangents: [dxhat, dinverse] }: VjpSite<NormAttributes>,
  vjp: (inputs: NormVjpInputs) => Tensor,
): readonly Tensor[] {
  const terms: Tensor[] = [];
  if (dxhat) terms.push(vjp({ xhat, inverse, dxhat }));
  if (dinverse) {
    const slope = multiply(multiply(inverse, inverse), dinverse);
    terms.push(multiply(xhat, scale(slope, -1 / x.type.shape[1])));
  }
  return [terms.reduce(add)];
}

/** One invocation per row, for the normalisation itself. */
export function lowerNorm(shader: NormShader): Op<NormAttributes>["lower"] {
  return {
    webgpu: ({ inputs: [{ shape: [rows, columns] }], attributes: { epsilon } }, _, limits) => {
      const tensors = [
        perRow(input(0), 4 * columns),
        perRow(output(0), 4 * columns),
        perRow(output(1), 4),
      ];
      return launchByRows({ rows, perRow: tensors, ...limits }, (range) => [{
        ...shader,
        entryPoint: "forward",
        overrides: { ROWS: range.rows, COLUMNS: columns, EPSILON: epsilon, WORKGROUP },
        bindings: [input(0), output(0), output(1)],
        workgroups: Math.ceil(range.rows / WORKGROUP),
      }]);
    },
  };
}

/** The same for its gradient. */
export function lowerNormVjp(shader: NormShader): Op["lower"] {
  return {
    webgpu: ({ inputs: [{ shape: [rows, columns] }] }, _, limits) => {
      const tensors = [
        ...[input(0), input(2), output(0)].map((binding) => perRow(binding, 4 * columns)),
        perRow(input(1), 4),
      ];
      return launchByRows({ rows, perRow: tensors, ...limits }, (range) => [{
        ...shader,
        entryPoint: "backward",
        overrides: { ROWS: range.rows, COLUMNS: columns, WORKGROUP },
        bindings: [input(0), input(1), input(2), output(0)],
        workgroups: Math.ceil(range.rows / WORKGROUP),
      }]);
    },
  };
}

/** Ports of the gradient of the normalisation `name`. */
export function normVjpSignature(name: string): Signature {
  return {
    doc: `Cotangent of the rows that ${name} normalised`,
    inputs: [
      { name: "xhat", doc: "(rows, columns), normalised rows" },
      { name: "inverse", doc: "(rows, 1), factors they were multiplied by" },
      { name: "dxhat", doc: "(rows, columns), cotangent of xhat" },
    ],
    outputs: [{ name: "dx", doc: "(rows, columns)" }],
    params: {},
  };
}

/** Type of dx. @throws {ShapeError} Unless the shapes belong together */
export function inferNormVjp([xhat, inverse, dxhat]: readonly TensorType[]): readonly TensorType[] {
  expectRank("normalised rows", xhat, { rank: 2 });
  expectShape("the factors of the rows", inverse, f32(xhat.shape[0], 1));
  expectShape("the cotangent of the rows", dxhat, xhat);
  return [f32(...xhat.shape)];
}
