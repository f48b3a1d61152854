/**
 * Matrix products of pairs, all in one launch of the kernels of `matmul`: the grid runs through the products, so
 * that many small ones fill a GPU together and their sizes are free. A launch for each would have to wait for
 * the one before it, as all share a buffer, and bind offsets that are multiples of 256 bytes.
 */
import { ShapeError } from "../errors.ts";
import type { Op, Site, Trial } from "../graph/op.ts";
import { expectRank, f32, formatShape, sizeOf, type TensorType } from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { apply } from "../graph/trace.ts";
import {
  factorCotangents,
  launchMatmul,
  type MatmulAttributes,
  type MatmulOptions,
  matmulRounds,
  matmulSizes,
  op as matmulOp,
} from "./matmul.ts";
import type { MatmulSizes } from "./matmul_tiles.ts";
import { opWithTail } from "./op_with_tail.ts";

/**
 * a (products, rows, inner), b (products, inner, columns) → (products, rows, columns), pair by pair.
 *
 * @throws {ShapeError} If the numbers of products or the inner sizes differ
 */
export function batchedMatmul(a: Tensor, b: Tensor, options: MatmulOptions = {}): Tensor {
  return apply(op, [a, b], {
    transpose_a: options.transposeA ?? false,
    transpose_b: options.transposeB ?? false,
  });
}

function matrixOf({ shape, dtype }: TensorType): TensorType {
  return { shape: shape.slice(1), dtype };
}

/** One of the products. */
function pairOf({ inputs, outputs, attributes }: Site<MatmulAttributes>): Site<MatmulAttributes> {
  return { inputs: inputs.map(matrixOf), outputs: outputs.map(matrixOf), attributes };
}

function sizesOf(site: Site<MatmulAttributes>): MatmulSizes {
  const [products] = site.inputs[0].shape;
  return { ...matmulSizes(site.inputs.map(matrixOf), site.attributes), products };
}

const trial = (
  name: string,
  [products, rows, inner, columns]: readonly [number, number, number, number],
  [transpose_a, transpose_b]: readonly [boolean, boolean] = [false, false],
): Trial<MatmulAttributes> => ({
  name,
  inputs: [
    {
      type: transpose_a ? f32(products, inner, rows) : f32(products, rows, inner),
      law: "normal",
    },
    {
      type: transpose_b ? f32(products, columns, inner) : f32(products, inner, columns),
      law: "awkward",
    },
  ],
  attributes: { transpose_a, transpose_b },
  tolerance: 1e-6 * Math.sqrt(inner) + 1e-6, // chains of `inner` roundings
  gradientTolerance: 1e-5,
});

export const op: Op<MatmulAttributes> = {
  name: "batched_matmul",
  signature: {
    doc: "Matrix products C = op(A) op(B), pair by pair",
    inputs: [
      { name: "a", doc: "(products, rows, inner), or (products, inner, rows) with transpose_a" },
      {
        name: "b",
        doc: "(products, inner, columns), or (products, columns, inner) with transpose_b",
      },
    ],
    outputs: [{ name: "c", doc: "(products, rows, columns)" }],
    params: matmulOp.signature.params,
  },
  infer: ([a, b], attributes) => {
    expectRank("the left factors of products", a, { rank: 3 });
    expectRank("the right factors of products", b, { rank: 3 });
    const [products] = a.shape;
    if (b.shape[0] !== products) {
      throw new ShapeError(
        `Cannot multiply ${formatShape(a.shape)} by ${formatShape(b.shape)} pair by pair: ` +
          `numbers of products must agree, got ${products} and ${b.shape[0]}`,
      );
    }
    const [{ shape }] = matmulOp.infer([matrixOf(a), matrixOf(b)], attributes);
    return [f32(products, ...shape)];
  },
  vjp: (site) => factorCotangents(site, batchedMatmul),
  withTail: (tail) => opWithTail(op, tail, { vectors: true }),
  reference: (site, { inputs, outputs }) => {
    const pair = pairOf(site);
    const part = (types: readonly TensorType[], p: number) => (values: Float64Array, k: number) => {
      const size = sizeOf(types[k].shape);
      return values.subarray(p * size, (p + 1) * size);
    };
    for (let p = 0; p < site.inputs[0].shape[0]; p++) {
      matmulOp.reference(pair, {
        inputs: inputs.map(part(pair.inputs, p)),
        outputs: outputs.map(part(pair.outputs, p)),
      });
    }
  },
  lower: {
    webgpu: (site, preset, limits) => launchMatmul(sizesOf(site), { ...limits, preset }),
  },
  rounds: (site) => matmulRounds(sizesOf(site)),
  cost: (site) => {
    const [products] = site.inputs[0].shape;
    const { flops, bytes } = matmulOp.cost(pairOf(site));
    return { flops: products * flops, bytes: products * bytes };
  },
  trials: [
    trial("one by one", [1, 1, 1, 1]),
    trial("primes", [3, 13, 7, 67]),
    trial("more products than a workgroup, each smaller than a tile", [67, 3, 5, 2]),
    trial("vectors, each smaller than a tile", [67, 4, 8, 4]),
    trial("left transposed", [2, 20, 24, 36], [true, false]),
    trial("right transposed", [4, 24, 20, 36], [false, true]),
    trial("both transposed", [3, 40, 8, 68], [true, true]),
    trial("both transposed, primes", [7, 11, 5, 3], [true, true]),
    trial("large together", [33, 65, 32, 64]),
    trial("no products", [0, 3, 4, 5]),
  ],
};
