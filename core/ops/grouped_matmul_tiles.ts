/** Kernels of the grouped product and of its gradient: what a lane owns, and how many workgroups they take. */
import { HarnessError } from "../errors.ts";
import type { Preset } from "../graph/op.ts";
import { type ShapeClass, shapeClass, takesVectors, type Tile, tileOf } from "./tile_table.ts";

/** What an invocation of an entry point of `shaders/grouped_matmul.wgsl` owns. */
export interface GroupedKernel {
  readonly rows: number;
  readonly columns: number;
  /** Whether stored rows must be whole vectors of four. */
  readonly vectors: boolean;
}

const ELEMENT: GroupedKernel = { rows: 1, columns: 1, vectors: false };
const SMALL: GroupedKernel = { rows: 8, columns: 8, vectors: true };
const LARGE: GroupedKernel = { rows: 16, columns: 16, vectors: true };

/** Entry points of `shaders/grouped_matmul.wgsl`, by op. */
export const GROUPED_KERNELS = {
  grouped_matmul: { scalar: ELEMENT, rows_8x2: SMALL, rows_16x4: LARGE },
  grouped_matmul_vjp_w: {
    backward_scalar: ELEMENT,
    backward_rows_8x2: SMALL,
    backward_rows_16x4: LARGE,
  },
} as const satisfies Readonly<Record<string, Readonly<Record<string, GroupedKernel>>>>;

/** Sizes of a grouped product, forward or backward. */
export interface GroupedSizes {
  readonly slots: number;
  readonly inner: number;
  readonly columns: number;
  readonly experts: number;
}

/** Ops of the family. */
export type GroupedFamily = keyof typeof GROUPED_KERNELS;

/** Class of a grouped product's shape. */
export function groupedClass(family: GroupedFamily, sizes: GroupedSizes): ShapeClass {
  const { slots, inner, columns, experts } = sizes;
  return shapeClass({
    isVectors: inner % 4 === 0 && columns % 4 === 0,
    multiplyAdds: slots * inner * columns,
    results: (family === "grouped_matmul" ? slots : experts * inner) * columns,
  });
}

/** The table's kernel for a grouped product. */
export function groupedTile(
  family: GroupedFamily,
  { sizes, preset }: { readonly sizes: GroupedSizes; readonly preset: Preset },
): Tile {
  return tileOf(family, { preset, shapeClass: groupedClass(family, sizes) });
}

/** Workgroups that cover the result. @throws {HarnessError} If the kernel does not exist or needs whole vectors */
export function groupedWorkgroups(
  family: GroupedFamily,
  { sizes, tile }: { readonly sizes: GroupedSizes; readonly tile: Tile },
): number {
  const { slots, inner, columns, experts } = sizes;
  const kernels: Readonly<Record<string, GroupedKernel>> = GROUPED_KERNELS[family];
  const kernel = Object.hasOwn(kernels, tile.entryPoint) ? kernels[tile.entryPoint] : undefined;
  if (kernel === undefined || kernel.vectors && !takesVectors(groupedClass(family, sizes))) {
    throw new HarnessError(
      `Cannot run ${family} of (${slots}, ${inner}) and ${columns} columns with kernel ` +
        `"${tile.entryPoint}": ` +
        (kernel
          ? "inner and columns must be multiples of 4"
          : `expected one of ${Object.keys(kernels).join(", ")}`),
    );
  }
  // No tile straddles experts, so each expert may need one tile more than its share of the rows.
  const down = family === "grouped_matmul"
    ? Math.ceil(slots / kernel.rows) + (kernel === ELEMENT ? 0 : experts)
    : experts * Math.ceil(inner / kernel.rows);
  return Math.ceil((down * Math.ceil(columns / kernel.columns)) / tile.workgroup);
}
