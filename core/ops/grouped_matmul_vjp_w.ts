/** Gradient of grouped_matmul with respect to the experts' matrices. */
import source from "../../shaders/grouped_matmul.wgsl" with { type: "text" };
import { ShapeError } from "../errors.ts";
import {
  type Dispatch,
  input,
  type LaunchLimits,
  type Op,
  output,
  type Preset,
  type Site,
  type Trial,
} from "../graph/op.ts";
import { expectRank, f32, formatShape, i32, sizeOf } from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { apply } from "../graph/trace.ts";
import { type GroupedSizes, groupedTile, groupedWorkgroups } from "./grouped_matmul_tiles.ts";
import { launchByRows, perRow } from "./row_shards.ts";
import type { Tile } from "./tile_table.ts";

/**
 * a (slots, rows), b (slots, columns), start (experts + 1) → (experts, rows, columns): expert e gets the sum
 * of a[s]ᵀ b[s] over its slots, ascending; an expert without slots gets zeros.
 */
export function groupedMatmulVjpW(
  a: Tensor,
  b: Tensor,
  options: { readonly start: Tensor },
): Tensor {
  return apply(op, [a, b, options.start], {});
}

/** The launch over bindings a, b, start, dw; `inner` is the number of dw's rows per expert. */
export function dispatchGroupedMatmulVjpW(
  sizes: GroupedSizes,
  options: {
    readonly preset: Preset;
    /** @default the one of `tiles.json` */
    readonly tile?: Tile;
    /** First slot and first expert of the launch. @default 0 each */
    readonly first?: { readonly slot: number; readonly expert: number };
  },
): Dispatch {
  const family = "grouped_matmul_vjp_w";
  const { slot, expert } = options.first ?? { slot: 0, expert: 0 };
  const tile = options.tile ?? groupedTile(family, { sizes, preset: options.preset });
  return {
    source,
    shader: "grouped_matmul",
    entryPoint: tile.entryPoint,
    overrides: {
      SLOTS: sizes.slots,
      INNER: sizes.inner,
      COLUMNS: sizes.columns,
      EXPERTS: sizes.experts,
      TRANSPOSE_W: 0,
      FIRST: slot,
      FIRST_EXPERT: expert,
      CONTINUED: Number(slot > 0),
      WORKGROUP: tile.workgroup,
    },
    bindings: [input(0), input(1), input(2), output(0)],
    workgroups: groupedWorkgroups(family, { sizes, tile }),
  };
}

/** One launch, or cut by experts and by slots, ascending, all with the kernel for the whole. */
function launches(
  { inputs: [a, b], outputs: [{ shape: [experts] }] }: Site,
  preset: Preset,
  limits?: LaunchLimits,
): readonly Dispatch[] {
  const [slots, inner] = a.shape;
  const columns = b.shape[1];
  const sizes = { slots, inner, columns, experts };
  const tile = groupedTile("grouped_matmul_vjp_w", { sizes, preset });
  const results = [perRow(output(0), 4 * inner * columns)];
  const operands = [perRow(input(0), 4 * inner), perRow(input(1), 4 * columns)];
  return launchByRows(
    { rows: experts, perRow: results, ...limits },
    (own) =>
      launchByRows({ rows: slots, perRow: operands, ...limits }, (part) => [
        dispatchGroupedMatmulVjpW({ ...sizes, slots: part.rows, experts: own.rows }, {
          preset,
          tile,
          first: { slot: part.first, expert: own.first },
        }),
      ]),
  );
}

const trial = (
  name: string,
  [rows, columns]: readonly [number, number],
  counts: readonly number[],
): Trial => {
  const start = counts.reduce<readonly number[]>((all, n) => [...all, all[all.length - 1] + n], [
    0,
  ]);
  return {
    name,
    inputs: [
      { type: f32(start[counts.length], rows), law: "normal" },
      { type: f32(start[counts.length], columns), law: "awkward" },
      { type: i32(counts.length + 1), law: start },
    ],
    attributes: {},
    tolerance: 1e-5, // chains of up to 513 roundings
    gradientTolerance: false,
  };
};

export const op: Op = {
  name: "grouped_matmul_vjp_w",
  signature: {
    doc: "Per expert, the sum of outer products of its rows",
    inputs: [
      { name: "a", doc: "(slots, rows), sorted by expert" },
      { name: "b", doc: "(slots, columns), sorted by expert" },
      { name: "start", doc: "(experts + 1) i32, first slot of each expert" },
    ],
    outputs: [{ name: "dw", doc: "(experts, rows, columns)" }],
    params: {},
  },
  infer: ([a, b, start]) => {
    expectRank("a of grouped_matmul_vjp_w", a, { rank: 2 });
    expectRank("b of grouped_matmul_vjp_w", b, { rank: 2 });
    expectRank("start of grouped_matmul_vjp_w", start, { rank: 1, dtype: "i32" });
    if (a.shape[0] !== b.shape[0]) {
      throw new ShapeError(
        `Cannot sum outer products of ${formatShape(a.shape)} and ${formatShape(b.shape)}: ` +
          `slots must agree, got ${a.shape[0]} and ${b.shape[0]}`,
      );
    }
    return [f32(start.shape[0] - 1, a.shape[1], b.shape[1])];
  },
  reference: (
    { outputs: [{ shape: [experts, rows, columns] }] },
    { inputs: [a, b, start], outputs: [dw] },
  ) => {
    for (let i = 0; i < experts * rows * columns; i++) {
      const e = Math.floor(i / (rows * columns));
      const p = Math.floor(i / columns) % rows;
      let total = 0;
      for (let s = start[e]; s < start[e + 1]; s++) {
        total += a[s * rows + p] * b[s * columns + i % columns];
      }
      dw[i] = total;
    }
  },
  lower: { webgpu: launches },
  rounds: ({ inputs: [x] }) => x.shape[0],
  cost: ({ inputs: [a, b], outputs: [dw] }) => ({
    flops: 2 * sizeOf(a.shape) * b.shape[1],
    bytes: 4 * (sizeOf(a.shape) + sizeOf(b.shape) + sizeOf(dw.shape)),
  }),
  trials: [
    trial("one by one", [1, 1], [1]),
    trial("primes, an expert without rows", [7, 13], [5, 0, 11]),
    trial("primes, two parts", [7, 13], [30, 0, 41]),
    trial("whole tiles", [8, 4], [8, 0, 16]),
    trial("more columns than a workgroup", [24, 132], [0, 3, 10, 0]),
    trial("a long chain", [8, 8], [513, 1]),
  ],
};
