/**
 * Which kernel runs which class of shapes. The table is data, `tiles.json`, and part of the code that a record
 * names by digest: `deno task tune` proposes edits of it, and nothing changes it while a model trains.
 */
import { HarnessError } from "../errors.ts";
import type { Preset } from "../graph/op.ts";
import table from "./tiles.json" with { type: "json" };

/**
 * Shapes that share a kernel. `uneven`: rows of memory that do not divide into vectors of four. `large` has
 * enough arithmetic to repay the compilation of a large register tile, `uneven_large` that of any register tile.
 */
export type ShapeClass = typeof SHAPE_CLASSES[number];

/** All classes, in the order of the table. */
export const SHAPE_CLASSES = ["large", "small", "uneven_large", "uneven"] as const;

/** Ops whose kernels stand in the table. */
export type TileFamily = keyof typeof table;

/** All families, in the order of the table. */
export const TILE_FAMILIES = [
  "matmul",
  "grouped_matmul",
  "grouped_matmul_vjp_w",
] as const satisfies readonly TileFamily[];

/** A kernel with its number of invocations per workgroup. */
export interface Tile {
  readonly entryPoint: string;
  readonly workgroup: number;
}

/** Multiply-adds from which a shape is `large`: about 0.2 ms saved per launch on two cores. */
const LARGE_MULTIPLY_ADDS = 2 ** 22;
/** Results from which a shape is `large`: two vectors of eight lanes that own 16 x 16 elements each. */
const LARGE_RESULTS = 2 ** 12;
/** Multiply-adds from which an uneven shape is large: about 1 ms saved per launch on two cores. */
const UNEVEN_LARGE_MULTIPLY_ADDS = 2 ** 20;

/** The class of a shape whose arrays divide into vectors or not. */
export function shapeClass(work: {
  readonly isVectors: boolean;
  readonly multiplyAdds: number;
  readonly results: number;
}): ShapeClass {
  const { isVectors, multiplyAdds, results } = work;
  if (!isVectors) return multiplyAdds >= UNEVEN_LARGE_MULTIPLY_ADDS ? "uneven_large" : "uneven";
  return multiplyAdds >= LARGE_MULTIPLY_ADDS && results >= LARGE_RESULTS ? "large" : "small";
}

/** Whether kernels that load vectors of four can take the class. */
export function takesVectors(shapeClass: ShapeClass): boolean {
  return shapeClass === "large" || shapeClass === "small";
}

/** The table's kernel. @throws {HarnessError} If the table's entry is not a kernel */
export function tileOf(
  family: TileFamily,
  at: { readonly preset: Preset; readonly shapeClass: ShapeClass },
): Tile {
  const { entry_point, workgroup } = table[family][at.preset][at.shapeClass];
  if (!(Number.isInteger(workgroup) && workgroup >= 1)) {
    throw new HarnessError(
      `core/ops/tiles.json: at ${family}.${at.preset}.${at.shapeClass}.workgroup: ` +
        `expected an integer >= 1, got ${workgroup}`,
    );
  }
  return { entryPoint: entry_point, workgroup };
}
