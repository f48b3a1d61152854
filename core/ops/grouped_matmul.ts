/** Matrix product whose rows, sorted by expert, each meet their own expert's matrix. */
import source from "../../shaders/grouped_matmul.wgsl" with { type: "text" };
import { ShapeError } from "../errors.ts";
import {
  type Attributes,
  type Dispatch,
  input,
  type LaunchLimits,
  type Op,
  output,
  type Preset,
  type Site,
  stopped,
  type Trial,
} from "../graph/op.ts";
import { expectRank, expectShape, f32, formatShape, i32, sizeOf } from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { apply } from "../graph/trace.ts";
import { type GroupedSizes, groupedTile, groupedWorkgroups } from "./grouped_matmul_tiles.ts";
import { groupedMatmulVjpW } from "./grouped_matmul_vjp_w.ts";
import { launchByRows, perRow } from "./row_shards.ts";
import type { Tile } from "./tile_table.ts";

export interface GroupedMatmulAttributes extends Attributes {
  /** Use the transpose of every matrix; w is then stored (experts, columns, inner). */
  readonly transpose_w: boolean;
}

export interface GroupedMatmulOptions {
  /** (experts + 1) i32 from `groupTokens`: rows start[e] … start[e + 1] - 1 belong to expert e. */
  readonly start: Tensor;
  /** Use the transpose of every matrix. @default false */
  readonly transposeW?: boolean;
}

/**
 * x (slots, inner), w (experts, inner, columns) → (slots, columns): row s is x[s] w[e] with e its expert.
 *
 * @throws {ShapeError} If inner sizes differ or `start` does not have experts + 1 elements
 */
export function groupedMatmul(x: Tensor, w: Tensor, options: GroupedMatmulOptions): Tensor {
  return apply(op, [x, w, options.start], { transpose_w: options.transposeW ?? false });
}

function sizesOf({ inputs: [x, w], attributes }: Site<GroupedMatmulAttributes>): GroupedSizes {
  const [experts, first, second] = w.shape;
  const [inner, columns] = attributes.transpose_w ? [second, first] : [first, second];
  return { slots: x.shape[0], inner, columns, experts };
}

/** The launch over bindings x, w, start, y; with the slots from `first` on. */
export function dispatchGroupedMatmul(
  sizes: GroupedSizes,
  options: {
    readonly preset: Preset;
    readonly transposeW: boolean;
    /** @default the one of `tiles.json` */
    readonly tile?: Tile;
    /** @default 0 */
    readonly first?: number;
  },
): Dispatch {
  const tile = options.tile ??
    groupedTile("grouped_matmul", { sizes, preset: options.preset });
  return {
    source,
    shader: "grouped_matmul",
    entryPoint: tile.entryPoint,
    overrides: {
      SLOTS: sizes.slots,
      INNER: sizes.inner,
      COLUMNS: sizes.columns,
      EXPERTS: sizes.experts,
      TRANSPOSE_W: Number(options.transposeW),
      FIRST: options.first ?? 0,
      WORKGROUP: tile.workgroup,
    },
    bindings: [input(0), input(1), input(2), output(0)],
    workgroups: groupedWorkgroups("grouped_matmul", { sizes, tile }),
  };
}

/** One launch, or cut by slots, all with the kernel for the whole. */
function launches(
  site: Site<GroupedMatmulAttributes>,
  preset: Preset,
  limits?: LaunchLimits,
): readonly Dispatch[] {
  const sizes = sizesOf(site);
  const { slots, inner, columns } = sizes;
  const transposeW = site.attributes.transpose_w;
  const tile = groupedTile("grouped_matmul", { sizes, preset });
  const tensors = [perRow(input(0), 4 * inner), perRow(output(0), 4 * columns)];
  return launchByRows({ rows: slots, perRow: tensors, ...limits }, ({ first, rows }) => [
    dispatchGroupedMatmul({ ...sizes, slots: rows }, { preset, transposeW, tile, first }),
  ]);
}

const trial = (
  name: string,
  [inner, columns, transpose_w]: readonly [number, number, boolean],
  counts: readonly number[],
): Trial<GroupedMatmulAttributes> => {
  const start = counts.reduce<readonly number[]>((all, n) => [...all, all[all.length - 1] + n], [
    0,
  ]);
  const experts = counts.length;
  return {
    name,
    inputs: [
      { type: f32(start[experts], inner), law: "normal" },
      {
        type: transpose_w ? f32(experts, columns, inner) : f32(experts, inner, columns),
        law: "awkward",
      },
      { type: i32(experts + 1), law: start },
    ],
    attributes: { transpose_w },
    tolerance: 1e-6 * Math.sqrt(inner) + 1e-6, // chains of `inner` roundings
    gradientTolerance: 1e-5,
  };
};

export const op: Op<GroupedMatmulAttributes> = {
  name: "grouped_matmul",
  signature: {
    doc: "Matrix product of rows sorted by expert with their expert's matrix",
    inputs: [
      { name: "x", doc: "(slots, inner), sorted by expert" },
      { name: "w", doc: "(experts, inner, columns), or (experts, columns, inner) if transposed" },
      { name: "start", doc: "(experts + 1) i32, first slot of each expert" },
    ],
    outputs: [{ name: "y", doc: "(slots, columns)" }],
    params: { transpose_w: { default: false, doc: "use the transpose of every matrix" } },
  },
  infer: (inputs, attributes) => {
    const [x, w, start] = inputs;
    expectRank("x of grouped_matmul", x, { rank: 2 });
    expectRank("w of grouped_matmul", w, { rank: 3 });
    const { slots, inner, columns, experts } = sizesOf({ inputs, outputs: [], attributes });
    expectShape("start of grouped_matmul", start, i32(experts + 1));
    if (x.shape[1] !== inner) {
      throw new ShapeError(
        `Cannot multiply ${formatShape(x.shape)} by ${formatShape(w.shape)}` +
          `${attributes.transpose_w ? " transposed" : ""}: ` +
          `inner sizes must agree, got ${x.shape[1]} and ${inner}`,
      );
    }
    return [f32(slots, columns)];
  },
  vjp: ({ inputs: [x, w, start], cotangents: [dy], needs, attributes: { transpose_w } }) => {
    if (!dy) return [];
    return [
      needs[0] ? groupedMatmul(dy, w, { start, transposeW: !transpose_w }) : stopped,
      needs[1] ? groupedMatmulVjpW(...ordered(x, dy, transpose_w), { start }) : stopped,
      stopped,
    ];
  },
  reference: (site, { inputs: [x, w, start], outputs: [y] }) => {
    const { inner, columns, experts } = sizesOf(site);
    for (let e = 0; e < experts; e++) {
      const matrix = w.subarray(e * inner * columns, (e + 1) * inner * columns);
      for (let s = start[e]; s < start[e + 1]; s++) {
        for (let m = 0; m < columns; m++) {
          let total = 0;
          for (let k = 0; k < inner; k++) {
            total += x[s * inner + k] *
              matrix[site.attributes.transpose_w ? m * inner + k : k * columns + m];
          }
          y[s * columns + m] = total;
        }
      }
    }
  },
  lower: { webgpu: launches },
  rounds: ({ inputs: [x] }) => x.shape[1],
  cost: (site) => {
    const { slots, inner, columns } = sizesOf(site);
    const [x, w] = site.inputs;
    return {
      flops: 2 * slots * inner * columns,
      bytes: 4 * (sizeOf(x.shape) + sizeOf(w.shape) + slots * columns),
    };
  },
  trials: [
    trial("one by one", [1, 1, false], [1]),
    trial("primes, an expert without rows", [7, 13, false], [5, 0, 11]),
    trial("primes, two parts", [7, 13, false], [30, 0, 41]),
    trial("primes transposed", [7, 13, true], [0, 5, 11, 1]),
    trial("whole tiles", [8, 12, false], [8, 16]),
    trial("around a tile", [12, 36, false], [7, 8, 9, 0, 1]),
    trial("around a tile, transposed", [36, 12, true], [9, 1, 0, 7, 15]),
    trial("more columns than a workgroup", [16, 132, false], [3, 10]),
    trial("one expert has all rows", [4, 8, true], [0, 0, 67, 0]),
    trial("a long chain", [512, 8, false], [9, 4]),
  ],
};

/** The factors of dw in the order that gives the stored orientation: xᵀ dy, or dyᵀ x if transposed. */
function ordered(x: Tensor, dy: Tensor, isTransposed: boolean): readonly [Tensor, Tensor] {
  return isTransposed ? [dy, x] : [x, dy];
}
