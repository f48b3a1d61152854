/**
 * Product of a semiseparable matrix and vectors in O(N r). docs/mathematics.md §13.
 *
 * Symbols
 *   H  T + U diag(sigma) V^T; T tridiagonal, U and V (N, r). V = U where it is not given, then with a symmetric T
 *      the matrix is the H of semiseparable_diagonal.
 */
import { ShapeError } from "../errors.ts";
import { expectRank, expectShape, f32, formatShape } from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { add } from "../ops/add.ts";
import { matmul } from "../ops/matmul.ts";
import { multiply } from "../ops/multiply.ts";
import { pad } from "../ops/pad.ts";
import { slice } from "../ops/slice.ts";

/** T + U diag(sigma) V^T by its parts. */
export interface SemiseparableMatrix {
  /** (N). */
  readonly diagonal: Tensor;
  /** Entries (k + 1, k), (N - 1). */
  readonly lower: Tensor;
  /** Entries (k, k + 1), (N - 1). */
  readonly upper: Tensor;
  /** (N, r). */
  readonly u: Tensor;
  /** (N, r). @default u */
  readonly v?: Tensor;
  /** (r). */
  readonly sigma: Tensor;
}

/** The transposed matrix: bands and factors change places. */
export function transposeSemiseparable(matrix: SemiseparableMatrix): SemiseparableMatrix {
  const { u, v = u, lower, upper } = matrix;
  return { ...matrix, lower: upper, upper: lower, u: v, v: u };
}

/**
 * x (B, N) → H x for every row, (B, N). The gradient by x is the product with the transposed matrix.
 *
 * @throws {ShapeError} On shapes that do not belong together
 */
export function semiseparableProduct(x: Tensor, matrix: SemiseparableMatrix): Tensor {
  const { diagonal, lower, upper, u, v = u, sigma } = matrix;
  expectRank("the vectors of a semiseparable product", x.type, { rank: 2 });
  const n = x.type.shape[1];
  if (n < 1) {
    throw new ShapeError(
      `Cannot use x ${formatShape(x.type.shape)} in a semiseparable product: expected N >= 1`,
    );
  }
  expectRank("sigma of a semiseparable matrix", sigma.type, { rank: 1 });
  const [rank] = sigma.type.shape;
  expectShape("the diagonal of a semiseparable matrix", diagonal.type, f32(n));
  expectShape("the lower band of a semiseparable matrix", lower.type, f32(n - 1));
  expectShape("the upper band of a semiseparable matrix", upper.type, f32(n - 1));
  expectShape("u of a semiseparable matrix", u.type, f32(n, rank));
  expectShape("v of a semiseparable matrix", v.type, f32(n, rank));
  const features = multiply(matmul(x, v), sigma); // (B, r)
  const whole = add(multiply(x, diagonal), matmul(features, u, { transposeB: true })); // (B, N)
  if (n === 1) return whole;
  const before = multiply(slice(x, { axis: 1, from: 0, to: n - 1 }), lower); // (B, N - 1)
  const behind = multiply(slice(x, { axis: 1, from: 1, to: n }), upper); // (B, N - 1)
  return add(
    whole,
    add(
      pad(before, { axis: 1, before: 1, after: 0 }),
      pad(behind, { axis: 1, before: 0, after: 1 }),
    ),
  );
}
