/** Kernels of the matrix product: what each owns, and how many workgroups a product takes. */
import { HarnessError } from "../errors.ts";
import type { Preset } from "../graph/op.ts";
import { type ShapeClass, shapeClass, takesVectors, type Tile, tileOf } from "./tile_table.ts";

/** Sizes of one product C (rows, columns) = op(A) op(B). */
export interface MatmulSizes {
  readonly rows: number;
  readonly inner: number;
  readonly columns: number;
  readonly transposeA: boolean;
  readonly transposeB: boolean;
  /** Adds to what C holds instead of overwriting it. */
  readonly accumulate?: boolean;
  /** Products of these sizes, one after another in memory. @default 1 */
  readonly products?: number;
}

/** Rows and columns from which a product fills most of the largest register tile. */
const FULL = 16;

/** What an entry point of `shaders/matmul.wgsl` does. */
export interface MatmulKernel {
  /** Who owns `rows` x `columns` elements of C. */
  readonly owner: "invocation" | "workgroup";
  readonly rows: number;
  readonly columns: number;
  /** Whether stored rows must be whole vectors of four. */
  readonly vectors: boolean;
}

/** Entry points of `shaders/matmul.wgsl`. */
export const MATMUL_KERNELS: Readonly<Record<string, MatmulKernel>> = {
  scalar: { owner: "invocation", rows: 1, columns: 1, vectors: false },
  rows_8x2_any: { owner: "invocation", rows: 8, columns: 8, vectors: false },
  rows_8x2: { owner: "invocation", rows: 8, columns: 8, vectors: true },
  rows_16x4: { owner: "invocation", rows: 16, columns: 16, vectors: true },
  tile_64: { owner: "workgroup", rows: 64, columns: 64, vectors: true },
  tile_64_any: { owner: "workgroup", rows: 64, columns: 64, vectors: false },
};

/** Class of a product's shape. */
export function matmulClass(sizes: MatmulSizes): ShapeClass {
  const { rows, inner, columns, transposeA, products = 1 } = sizes;
  // Tiles do not reach into the next product, so many thin ones make no large one.
  const count = Math.min(rows, columns) >= FULL ? products : 1;
  return shapeClass({
    isVectors: inner % 4 === 0 && columns % 4 === 0 && (!transposeA || rows % 4 === 0),
    multiplyAdds: count * rows * inner * columns,
    results: count * rows * columns,
  });
}

/** The table's kernel for a product. */
export function matmulTile(sizes: MatmulSizes, preset: Preset): Tile {
  return tileOf("matmul", { preset, shapeClass: matmulClass(sizes) });
}

/** Workgroups that cover C, and whether each stays within one block of rows. */
export function matmulGrid(
  sizes: MatmulSizes,
  { entryPoint, workgroup }: Tile,
): { readonly workgroups: number; readonly isUniform: boolean } {
  const kernel = Object.hasOwn(MATMUL_KERNELS, entryPoint) ? MATMUL_KERNELS[entryPoint] : undefined;
  if (kernel === undefined || kernel.vectors && !takesVectors(matmulClass(sizes))) {
    const { rows, inner, columns } = sizes;
    throw new HarnessError(
      `Cannot multiply (${rows}, ${inner}) by (${inner}, ${columns}) with kernel "${entryPoint}": ` +
        (kernel ? "its sizes must be multiples of 4" : "shaders/matmul.wgsl has none of that name"),
    );
  }
  const down = (sizes.products ?? 1) * Math.ceil(sizes.rows / kernel.rows);
  const across = Math.ceil(sizes.columns / kernel.columns);
  if (kernel.owner === "workgroup") return { workgroups: down * across, isUniform: true };
  return {
    workgroups: Math.ceil((down * across) / workgroup),
    isUniform: across % workgroup === 0,
  };
}
