/** Matrix product with either operand transposed. */
import source from "../../shaders/matmul.wgsl" with { type: "text" };
import { ShapeError } from "../errors.ts";
import {
  type Attributes,
  type Binding,
  type Dispatch,
  input,
  type LaunchLimits,
  type Op,
  output,
  type Preset,
  stopped,
  type Trial,
  type VjpSite,
} from "../graph/op.ts";
import { expectRank, f32, formatShape, type TensorType } from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { apply } from "../graph/trace.ts";
import { MATMUL_KERNELS, matmulGrid, type MatmulSizes, matmulTile } from "./matmul_tiles.ts";
import { opWithTail } from "./op_with_tail.ts";
import { launchByRows, perRow } from "./row_shards.ts";
import type { Tile } from "./tile_table.ts";

export interface MatmulAttributes extends Attributes {
  readonly transpose_a: boolean;
  readonly transpose_b: boolean;
}

/** Settings of the matrix product. */
export interface MatmulOptions {
  /** Use aᵀ; a is then stored (inner, rows). @default false */
  readonly transposeA?: boolean;
  /** Use bᵀ; b is then stored (columns, inner). @default false */
  readonly transposeB?: boolean;
}

/** a (rows, inner), b (inner, columns) → (rows, columns). @throws {ShapeError} If inner sizes differ */
export function matmul(a: Tensor, b: Tensor, options: MatmulOptions = {}): Tensor {
  return apply(op, [a, b], {
    transpose_a: options.transposeA ?? false,
    transpose_b: options.transposeB ?? false,
  });
}

/**
 * Cotangents of both factors, written with `multiply`: dA = dC Bᵀ and dB = Aᵀ dC, each so that the result has
 * the stored orientation.
 */
export function factorCotangents(
  { inputs: [a, b], cotangents: [dc], attributes, needs }: VjpSite<MatmulAttributes>,
  multiply: (a: Tensor, b: Tensor, options: MatmulOptions) => Tensor,
): readonly (Tensor | typeof stopped)[] {
  const { transpose_a, transpose_b } = attributes;
  if (!dc) return [];
  const da = () =>
    transpose_a
      ? multiply(b, dc, { transposeA: transpose_b, transposeB: true })
      : multiply(dc, b, { transposeB: !transpose_b });
  const db = () =>
    transpose_b
      ? multiply(dc, a, { transposeA: true, transposeB: transpose_a })
      : multiply(a, dc, { transposeA: !transpose_a });
  return [needs[0] ? da() : stopped, needs[1] ? db() : stopped];
}

/** Most loop rounds of one invocation. */
export function matmulRounds(sizes: MatmulSizes): number {
  const steps = MATMUL_KERNELS[matmulTile(sizes, "software-adapter").entryPoint].vectors ? 4 : 1;
  return Math.ceil(sizes.inner / steps);
}

/**
 * The launch of one or several products over bindings A, B, C; other ops that contain products use it too.
 *
 * @throws {HarnessError} If a tile is given that does not exist or needs whole vectors
 */
export function dispatchMatmul(
  sizes: MatmulSizes,
  options: {
    readonly preset: Preset;
    readonly bindings: readonly [Binding, Binding, Binding];
    /** @default the one of `tiles.json` */
    readonly tile?: Tile;
  },
): Dispatch {
  const { rows, inner, columns } = sizes;
  const tile = options.tile ?? matmulTile(sizes, options.preset);
  const { workgroups, isUniform } = matmulGrid(sizes, tile);
  return {
    source,
    shader: "matmul",
    entryPoint: tile.entryPoint,
    overrides: {
      ROWS: rows,
      INNER: inner,
      COLUMNS: columns,
      TRANSPOSE_A: Number(sizes.transposeA),
      TRANSPOSE_B: Number(sizes.transposeB),
      PRODUCTS: sizes.products ?? 1,
      ACCUMULATE: Number(sizes.accumulate ?? false),
      UNIFORM_ROWS: Number(isUniform),
      WORKGROUP: tile.workgroup,
    },
    bindings: options.bindings,
    workgroups,
  };
}

/**
 * The launches of inputs 0 and 1 multiplied into output 0, cut where these are larger than one binding may be:
 * several products by products, A and C by rows, or A and B along the sum where both are stored so, each launch
 * then going on from what the one before it left in C. Every element remains one chain, in the same kernel.
 */
export function launchMatmul(
  sizes: MatmulSizes,
  { preset, ...limits }: LaunchLimits & { readonly preset: Preset },
): readonly Dispatch[] {
  const { rows, inner, columns, transposeA, transposeB, products = 1 } = sizes;
  const bindings = [input(0), input(1), output(0)] as const;
  const [a, b, c] = bindings;
  const tile = matmulTile(sizes, preset);
  const launch = (part: Partial<MatmulSizes>): readonly Dispatch[] => [
    dispatchMatmul({ ...sizes, ...part }, { preset, bindings, tile }),
  ];
  if (products !== 1) {
    return launchByRows({
      rows: products,
      perRow: [
        perRow(a, 4 * rows * inner),
        perRow(b, 4 * inner * columns),
        perRow(c, 4 * rows * columns),
      ],
      ...limits,
    }, (range) => launch({ products: range.rows }));
  }
  if (!transposeA) {
    return launchByRows(
      { rows, perRow: [perRow(a, 4 * inner), perRow(c, 4 * columns)], ...limits },
      (range) => launch({ rows: range.rows }),
    );
  }
  if (transposeB) return launch({});
  return launchByRows({
    rows: inner,
    perRow: [perRow(a, 4 * rows), perRow(b, 4 * columns)],
    multipleOf: 4, // kernels that load vectors take four steps of the sum at once
    ...limits,
  }, (range) => launch({ inner: range.rows, accumulate: range.first > 0 }));
}

/** Sizes of the product of two matrices. */
export function matmulSizes(
  [a, b]: readonly TensorType[],
  attributes: MatmulAttributes,
): MatmulSizes {
  const { transpose_a: transposeA, transpose_b: transposeB } = attributes;
  const [rows, inner] = transposeA ? [a.shape[1], a.shape[0]] : a.shape;
  const columns = b.shape[transposeB ? 0 : 1];
  return { rows, inner, columns, transposeA, transposeB };
}

const trial = (
  name: string,
  [rows, inner, columns]: readonly [number, number, number],
  [transpose_a, transpose_b]: readonly [boolean, boolean] = [false, false],
): Trial<MatmulAttributes> => ({
  name,
  inputs: [
    { type: transpose_a ? f32(inner, rows) : f32(rows, inner), law: "normal" },
    { type: transpose_b ? f32(columns, inner) : f32(inner, columns), law: "awkward" },
  ],
  attributes: { transpose_a, transpose_b },
  tolerance: 1e-6 * Math.sqrt(inner) + 1e-6, // chains of `inner` roundings
  gradientTolerance: 1e-5,
});

export const op: Op<MatmulAttributes> = {
  name: "matmul",
  signature: {
    doc: "Matrix product C = op(A) op(B)",
    inputs: [
      { name: "a", doc: "(rows, inner), or (inner, rows) with transpose_a" },
      { name: "b", doc: "(inner, columns), or (columns, inner) with transpose_b" },
    ],
    outputs: [{ name: "c", doc: "(rows, columns)" }],
    params: {
      transpose_a: { default: false, doc: "use the transpose of a" },
      transpose_b: { default: false, doc: "use the transpose of b" },
    },
  },
  infer: ([a, b], { transpose_a, transpose_b }) => {
    expectRank("the left factor of a product", a, { rank: 2 });
    expectRank("the right factor of a product", b, { rank: 2 });
    const left = a.shape[transpose_a ? 0 : 1];
    const right = b.shape[transpose_b ? 1 : 0];
    if (left !== right) {
      throw new ShapeError(
        `Cannot multiply ${formatShape(a.shape)}${transpose_a ? "ᵀ" : ""} by ${
          formatShape(b.shape)
        }` +
          `${transpose_b ? "ᵀ" : ""}: inner sizes must agree, got ${left} and ${right}`,
      );
    }
    return [f32(a.shape[transpose_a ? 1 : 0], b.shape[transpose_b ? 0 : 1])];
  },
  vjp: (site) => factorCotangents(site, matmul),
  withTail: (tail) => opWithTail(op, tail, { vectors: true }),
  reference: (site, { inputs: [a, b], outputs: [c] }) => {
    const { rows, inner, columns, transposeA, transposeB } = matmulSizes(
      site.inputs,
      site.attributes,
    );
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < columns; j++) {
        let total = 0;
        for (let k = 0; k < inner; k++) {
          total += a[transposeA ? k * rows + i : i * inner + k] *
            b[transposeB ? j * inner + k : k * columns + j];
        }
        c[i * columns + j] = total;
      }
    }
  },
  lower: {
    webgpu: (site, preset, limits) =>
      launchMatmul(matmulSizes(site.inputs, site.attributes), { ...limits, preset }),
  },
  rounds: (site) => matmulRounds(matmulSizes(site.inputs, site.attributes)),
  cost: (site) => {
    const { rows, inner, columns } = matmulSizes(site.inputs, site.attributes);
    return {
      flops: 2 * rows * inner * columns,
      bytes: 4 * (rows * inner + inner * columns + rows * columns),
    };
  },
  trials: [
    trial("one by one", [1, 1, 1]),
    trial("primes", [13, 7, 67]),
    trial("a whole register tile", [8, 4, 4]),
    trial("more columns than a workgroup", [16, 12, 260]),
    trial("one row below a tile", [63, 65, 64]),
    trial("left transposed", [24, 20, 36], [true, false]),
    trial("right transposed", [24, 20, 36], [false, true]),
    trial("both transposed", [40, 8, 68], [true, true]),
    trial("both transposed, primes", [11, 5, 3], [true, true]),
    trial("a long chain", [8, 1024, 8]),
  ],
};
