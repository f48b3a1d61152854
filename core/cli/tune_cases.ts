/** What `deno task tune` measures: for each family and class of shapes, some shapes and every kernel that takes them. */
import type { Binding, Dispatch, Preset } from "../graph/op.ts";
import { dispatchGroupedMatmul } from "../ops/grouped_matmul.ts";
import {
  GROUPED_KERNELS,
  groupedClass,
  type GroupedFamily,
  type GroupedSizes,
} from "../ops/grouped_matmul_tiles.ts";
import { dispatchGroupedMatmulVjpW } from "../ops/grouped_matmul_vjp_w.ts";
import { dispatchMatmul } from "../ops/matmul.ts";
import { MATMUL_KERNELS, matmulClass, type MatmulSizes } from "../ops/matmul_tiles.ts";
import { type ShapeClass, takesVectors, type Tile, type TileFamily } from "../ops/tile_table.ts";
import { stream } from "../random/streams.ts";
import { uniform } from "../random/uniform.ts";

/** One shape of one class. */
export interface TuneCase {
  readonly family: TileFamily;
  readonly shapeClass: ShapeClass;
  /** "1024 x 96 x 384 nt" */
  readonly name: string;
  readonly flops: number;
  /** Contents of the bindings; the last is overwritten. */
  contents(): readonly (Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer>)[];
  dispatch(tile: Tile, preset: Preset): Dispatch;
}

/** Kernels worth a trial for a class, at one or a few vectors of lanes a workgroup. */
export function candidateTiles(family: TileFamily, shapeClass: ShapeClass): readonly Tile[] {
  const kernels = family === "matmul"
    ? Object.entries(MATMUL_KERNELS)
    : Object.entries(GROUPED_KERNELS[family]).map(([name, kernel]) =>
      [name, { ...kernel, owner: "invocation" }] as const
    );
  return kernels.filter(([, { vectors }]) => vectors === takesVectors(shapeClass)).flatMap((
    [entryPoint, { owner }],
  ) =>
    // A workgroup's tile has its size written in its shader.
    (owner === "workgroup" ? [256] : [8, 32, 64]).map((workgroup) => ({ entryPoint, workgroup }))
  );
}

const BINDINGS: readonly [Binding, Binding, Binding] = [
  { role: "input", index: 0 },
  { role: "input", index: 1 },
  { role: "output", index: 0 },
];

function normalised(size: number, name: string): Float32Array<ArrayBuffer> {
  const from = stream(7, name);
  return Float32Array.from(
    { length: size },
    (_, index) => 2 * uniform(from, { step: 0, index }) - 1,
  );
}

/** A product's case; `layout` says which operands are transposed: "nn", "nt" or "tn". */
export function matmulCase(
  [rows, inner, columns]: readonly [number, number, number],
  layout: "nn" | "nt" | "tn",
): TuneCase {
  const sizes: MatmulSizes = {
    rows,
    inner,
    columns,
    transposeA: layout === "tn",
    transposeB: layout === "nt",
  };
  return {
    family: "matmul",
    shapeClass: matmulClass(sizes),
    name: `${rows} x ${inner} x ${columns} ${layout}`,
    flops: 2 * rows * inner * columns,
    contents: () => [
      normalised(rows * inner, "a"),
      normalised(inner * columns, "b"),
      new Float32Array(rows * columns),
    ],
    dispatch: (tile, preset) => dispatchMatmul(sizes, { preset, bindings: BINDINGS, tile }),
  };
}

/** A grouped product's case: experts with uneven shares of the slots. */
export function groupedCase(family: GroupedFamily, sizes: GroupedSizes): TuneCase {
  const { slots, inner, columns, experts } = sizes;
  const isForward = family === "grouped_matmul";
  const start = Int32Array.from(
    { length: experts + 1 },
    (_, expert) => Math.floor(slots * (expert / experts) ** 1.5),
  );
  const second = isForward ? experts * inner * columns : slots * columns;
  const result = isForward ? slots * columns : experts * inner * columns;
  return {
    family,
    shapeClass: groupedClass(family, sizes),
    name: `${slots} x ${inner} x ${columns} for ${experts} experts`,
    flops: 2 * slots * inner * columns,
    contents: () => [
      normalised(slots * inner, "x"),
      normalised(second, "w"),
      start,
      new Float32Array(result),
    ],
    dispatch: (tile, preset) =>
      isForward
        ? dispatchGroupedMatmul(sizes, { preset, transposeW: false, tile })
        : dispatchGroupedMatmulVjpW(sizes, { preset, tile }),
  };
}

/** Shapes of small training steps: 1,024 tokens, widths 32 to 384, forward and both gradients. */
export function tuneCases(): readonly TuneCase[] {
  const grouped = (["grouped_matmul", "grouped_matmul_vjp_w"] as const).flatMap((family) => [
    groupedCase(family, { slots: 2048, inner: 96, columns: 384, experts: 4 }),
    groupedCase(family, { slots: 2048, inner: 384, columns: 96, experts: 4 }),
    groupedCase(family, { slots: 256, inner: 32, columns: 64, experts: 4 }),
    groupedCase(family, { slots: 509, inner: 33, columns: 65, experts: 4 }),
    groupedCase(family, { slots: 127, inner: 33, columns: 65, experts: 4 }),
  ]);
  return [
    matmulCase([512, 512, 512], "nn"),
    matmulCase([1024, 96, 384], "nn"),
    matmulCase([1024, 384, 96], "nt"),
    matmulCase([96, 1024, 384], "tn"),
    matmulCase([256, 32, 64], "nn"),
    matmulCase([256, 64, 32], "nt"),
    matmulCase([32, 512, 64], "tn"),
    matmulCase([512, 96, 257], "nt"),
    matmulCase([257, 512, 96], "tn"),
    matmulCase([127, 33, 65], "nn"),
    matmulCase([33, 127, 65], "tn"),
    ...grouped,
  ];
}
