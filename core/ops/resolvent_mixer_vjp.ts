/** Exact gradients of the resolvent mixer in O(N). docs/mathematics.md §12.4. */
import source from "../../shaders/resolvent_mixer_vjp.wgsl" with { type: "text" };
import {
  type Binding,
  type Dispatch,
  input,
  type LaunchLimits,
  type Op,
  output,
  type Preset,
  scratch,
  type Site,
} from "../graph/op.ts";
import { f32, type TensorType } from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { applyAll } from "../graph/trace.ts";
import type { Complex } from "./band_solve.ts";
import { fill } from "./fill.ts";
import { causalGradient, diagonalOf } from "./resolvent_by_leading_blocks.ts";
import {
  IN_ORDER,
  type ResolventForm,
  type ResolventFormAttributes,
  resolventFormParameters,
  resolventRounds,
} from "./resolvent_forms.ts";
import {
  type Chunks,
  givenBy,
  type MixerSizes,
  mixerSizes,
  resolventLanes,
  sharedOperands,
  walkLaunches,
} from "./resolvent_launches.ts";
import { resolventVjpTrial } from "./resolvent_vjp_trials.ts";
import { chunksOf } from "./bk_forms.ts";
import { launchByBatch } from "./launch_by_batch.ts";

export interface ResolventMixerVjpAttributes extends ResolventFormAttributes {
  /** Whether the last two inputs are cotangents of g, and not one unused value each. */
  readonly has_dg: boolean;
}

/** Operands and results of the mixer, and the cotangents of y (B, N, C). */
export type ResolventMixerVjpInputs = Readonly<
  Record<"x" | "t" | "re" | "im" | "gRe" | "gIm" | "dre" | "dim", Tensor>
>;

/** Gradients per position; the caller sums those of shared operands. That of lambda is minus that of v. */
export interface ResolventMixerGradients {
  /** (B, N, C). */
  readonly dx: Tensor;
  /** (B, N, H), as are dt and deta. */
  readonly dv: Tensor;
  readonly dt: Tensor;
  readonly deta: Tensor;
}

/** Gradients for the cotangents of y, and those of the pivots if there are any. */
export function resolventMixerVjp(
  { x, t, re, im, gRe, gIm, dre, dim }: ResolventMixerVjpInputs,
  options: {
    readonly form: ResolventFormAttributes;
    /** Cotangents of the pivots (B, N, H). @default none */
    readonly dg?: { readonly re: Tensor; readonly im: Tensor };
  },
): ResolventMixerGradients {
  const none = (): Tensor => fill(x.graph, { shape: [1], value: 0 });
  const { re: dgRe, im: dgIm } = options.dg ?? { re: none(), im: none() };
  const [dx, dv, dt, deta] = applyAll(op, [x, t, re, im, gRe, gIm, dre, dim, dgRe, dgIm], {
    ...options.form,
    has_dg: options.dg !== undefined,
  });
  return { dx, dv, dt, deta };
}

function sizesOf([x, , , , g]: readonly TensorType[]): MixerSizes {
  return mixerSizes([x, g]);
}

function reference(
  { inputs: types, attributes: { has_dg } }: Site<ResolventMixerVjpAttributes>,
  { inputs: [x, t, , , gRe, gIm, dre, dim, dgRe, dgIm], outputs: [dx, dv, dt, deta] }: Parameters<
    Op["reference"]
  >[1],
): void {
  const { batch, n, heads, width, columns } = sizesOf(types);
  const tBy = givenBy(types[1]);
  for (let chain = 0; chain < batch * heads; chain++) {
    const [sequence, head] = [Math.floor(chain / heads), chain % heads];
    const cells = Array.from({ length: n }, (_, i) => (sequence * n + i) * heads + head);
    const place = (column: number, i: number): number =>
      (sequence * n + i) * width + head * columns + column;
    const bonds = cells.map((cell) => t[tBy === 2 ? cell : tBy === 1 ? head : 0]);
    const g = cells.map((cell): Complex => [gRe[cell], gIm[cell]]);
    const found = causalGradient({ diagonal: diagonalOf(g, bonds), bonds }, {
      x: Array.from(
        { length: columns },
        (_, column) => Float64Array.from(cells, (_, i) => x[place(column, i)]),
      ),
      wy: (column, i) => [dre[place(column, i)], -dim[place(column, i)]],
      w: (i) => has_dg ? [dgRe[cells[i]], -dgIm[cells[i]]] : [0, 0],
    });
    cells.forEach((cell, i) => {
      [dv[cell], deta[cell]] = found.diagonal[i];
      dt[cell] = found.bonds[i];
      found.x.forEach((column, k) => dx[place(k, i)] = column[i]);
    });
  }
}

/** Scratch: t and g; sums of four columns, then entries of rho; W and s; entries of mu; for a carry maps. */
function workspace(
  { inputs, attributes }: Site<ResolventMixerVjpAttributes>,
): readonly TensorType[] {
  const { batch, n, heads, groups } = sizesOf(inputs);
  const { chunks } = chunksOf(attributes, n);
  const held = [
    f32(batch, n, heads, 4),
    f32(batch * (n + 2 * chunks) * heads * groups, 4),
    f32(batch, n, heads, 4),
    f32(batch, chunks, heads, 2),
  ];
  return attributes.form === "carry"
    ? [...held, f32(batch, chunks, heads * groups, 12), f32(batch, chunks, heads, 4)]
    : held;
}

/** One invocation per item and chunk. */
type Launch = (entryPoint: string, at: {
  readonly items: number;
  readonly bindings: readonly Binding[];
  readonly chunks?: Chunks;
  readonly early?: number;
}) => Dispatch;

function launcher(
  { inputs, attributes }: Site<ResolventMixerVjpAttributes>,
  preset: Preset,
): Launch {
  const { batch, n, heads, columns, groups } = sizesOf(inputs);
  const { chunk, chunks } = chunksOf(attributes, n);
  const lanes = resolventLanes(preset);
  const common = {
    B: batch,
    N: n,
    HEADS: heads,
    COLUMNS: columns,
    GROUPS: groups,
    T_BY: givenBy(inputs[1]),
    HAS_DG: Number(attributes.has_dg),
    CHUNK: chunk,
    CHUNKS: chunks,
    STORED: Number(attributes.form !== "halo"),
    PASSES: Number(attributes.form === "sequential"),
    WORKGROUP: lanes,
  };
  return (entryPoint, { items, bindings, early = 0, chunks = { FIRST: 0, COUNT: 1 } }) => ({
    source,
    shader: "resolvent_mixer_vjp",
    entryPoint,
    overrides: { ...common, EARLY: early, ...chunks },
    bindings,
    workgroups: Math.ceil(items * chunks.COUNT / lanes),
  });
}

/** Launches of one reverse scan: for a carry the maps of chunks and their links, then the walks. */
function scan(launch: Launch, given: {
  readonly of: "values" | "pivots";
  readonly form: ResolventForm;
  /** Positions that a halo walks before its chunk. */
  readonly early: number;
  readonly chunks: number;
  /** Walks of a chunk. */
  readonly items: number;
  /** Operands of maps and walks, entries last. */
  readonly operands: readonly Binding[];
  readonly map: Binding;
  readonly results: readonly Binding[];
}): readonly Dispatch[] {
  const { of, form, chunks, items, operands } = given;
  // A carried linear scan starts at the edge: rounding there is forgotten, never enlarged.
  const early = form === "halo" ? given.early : 0;
  const bindings = [...operands, given.map];
  return [
    ...(form === "carry"
      ? [
        launch(`reduce_${of}`, { items, bindings, chunks: { FIRST: 1, COUNT: chunks - 1 } }),
        launch(`link_${of}`, { items, bindings }),
      ]
      : []),
    ...walkLaunches(form, chunks).toReversed().map((chunks) =>
      launch(of, { items, bindings: [...operands, ...given.results], chunks, early })
    ),
  ];
}

/** Launches of all sequences, or cut by sequences, each with its part of the workspace. */
function launches(
  site: Site<ResolventMixerVjpAttributes>,
  preset: Preset,
  limits?: LaunchLimits,
): readonly Dispatch[] {
  // Absent cotangents of g are one unused value each.
  const sharedInputs = sharedOperands(site.inputs, [1, 8, 9]);
  const shards = { sharedInputs, scratch: workspace(site), ...limits };
  return launchByBatch(site, shards, (part) => walks(part, preset));
}

function walks(
  site: Site<ResolventMixerVjpAttributes>,
  preset: Preset,
): readonly Dispatch[] {
  const { batch, n, heads, groups } = sizesOf(site.inputs);
  const { form, warm_up, reach } = site.attributes;
  const { chunks } = chunksOf(site.attributes, n);
  const launch = launcher(site, preset);
  const items = batch * n * heads;
  return [
    launch("pack", { items, bindings: [scratch(0), input(1), input(4), input(5)] }),
    ...scan(launch, {
      ...{ of: "values", form, chunks, early: reach },
      items: batch * heads * groups,
      operands: [scratch(0), input(6), input(7), scratch(1)],
      map: scratch(4),
      results: [input(0), input(2), input(3), output(0)],
    }),
    launch("gather", { items, bindings: [input(8), scratch(2), input(9), scratch(1)] }),
    ...scan(launch, {
      ...{ of: "pivots", form, chunks, early: warm_up },
      items: batch * heads,
      operands: [scratch(0), scratch(2), scratch(3)],
      map: scratch(5),
      results: [output(1), output(2), output(3)],
    }),
  ];
}

export const op: Op<ResolventMixerVjpAttributes> = {
  name: "resolvent_mixer_vjp",
  signature: {
    doc: "Gradients of resolvent_mixer per position",
    inputs: [
      { name: "x", doc: "(B, N, H d_h)" },
      { name: "t", doc: "(B, N, H), (H) or (1)" },
      { name: "re", doc: "output of resolvent_mixer (B, N, H d_h)" },
      { name: "im", doc: "(B, N, H d_h)" },
      { name: "g_re", doc: "pivots (B, N, H)" },
      { name: "g_im", doc: "(B, N, H)" },
      { name: "dre", doc: "cotangent of re (B, N, H d_h)" },
      { name: "dim", doc: "cotangent of im (B, N, H d_h)" },
      { name: "dg_re", doc: "cotangent of g_re (B, N, H), or (1) if there is none" },
      { name: "dg_im", doc: "cotangent of g_im (B, N, H), or (1) if there is none" },
    ],
    outputs: [
      { name: "dx", doc: "(B, N, H d_h)" },
      { name: "dv", doc: "(B, N, H)" },
      { name: "dt", doc: "(B, N, H)" },
      { name: "deta", doc: "(B, N, H)" },
    ],
    params: {
      ...resolventFormParameters,
      has_dg: { default: false, doc: "whether dg_re and dg_im are cotangents" },
    },
  },
  infer: ([x, , , , g]) => [f32(...x.shape), f32(...g.shape), f32(...g.shape), f32(...g.shape)],
  reference,
  scratch: workspace,
  lower: { webgpu: launches },
  rounds: ({ inputs, attributes }) => {
    const { n, columns } = sizesOf(inputs);
    return resolventRounds(attributes, { length: n, columns });
  },
  cost: ({ inputs }) => {
    const { batch, n, heads, width } = sizesOf(inputs);
    return {
      flops: batch * n * (30 * heads + 32 * width),
      bytes: 4 * batch * n * (10 * heads + 10 * width),
    };
  },
  trials: [
    resolventVjpTrial("a prime length", [2, 29, 3, 2], { form: IN_ORDER, hasDg: true }),
    resolventVjpTrial("several launches, five columns", [2, 23, 1, 5], {
      form: { ...IN_ORDER, chunk: 7 },
      hasDg: false,
    }),
    resolventVjpTrial("chunks and a part", [2, 29, 3, 2], {
      form: { form: "carry", chunk: 8, warm_up: 3, reach: 0 },
      hasDg: false,
    }),
    // Gates of at most 0.14 are forgotten to 2^-24 in nine positions, their squares in five.
    resolventVjpTrial("chunks that start early", [2, 29, 3, 2], {
      form: { form: "halo", chunk: 8, warm_up: 5, reach: 9 },
      hasDg: true,
      largest: 0.1,
    }),
  ],
};
