/** Launches of resolvent_mixer, which its streaming form shares. docs/mathematics.md §12. */
import { ShapeError } from "../errors.ts";
import {
  type Binding,
  type Dispatch,
  input,
  type LaunchLimits,
  output,
  type Port,
  type Preset,
  scratch,
  type Site,
} from "../graph/op.ts";
import { expectRank, f32, formatShape, sameShape, type TensorType } from "../graph/shape.ts";
import {
  expectResolventForm,
  type ResolventForm,
  type ResolventFormAttributes,
} from "./resolvent_forms.ts";
import { chunksOf } from "./bk_forms.ts";
import { launchByBatch } from "./launch_by_batch.ts";

export interface ResolventMixerAttributes extends ResolventFormAttributes {
  /** Constant part of the diagonal; -2 is the discrete Laplacian. */
  readonly a: number;
}

/** Columns that one invocation walks: `vec4` in the shaders. */
const GROUP = 4;

/** B sequences, N positions, H heads, C = H d_h columns, as in the shapes (B, N, C) of x and (B, N, H) of v. */
export interface MixerSizes {
  readonly batch: number;
  readonly n: number;
  readonly heads: number;
  readonly width: number;
  /** Of one head. */
  readonly columns: number;
  /** Fours of columns of one head. */
  readonly groups: number;
}

/** From x and any tensor (B, N, H). */
export function mixerSizes([x, v]: readonly TensorType[]): MixerSizes {
  const [batch, n, width] = x.shape;
  const heads = v.shape[2];
  const columns = width / heads;
  return { batch, n, heads, width, columns, groups: Math.ceil(columns / GROUP) };
}

/** Inputs 0 to 4, for users of `deno task op`. */
export const mixerInputs: readonly Port[] = [
  { name: "x", doc: "values (B, N, H d_h), the columns of a head together" },
  { name: "v", doc: "potential (B, N, H)" },
  {
    name: "t",
    doc: "bond between i - 1 and i: (B, N, H), (H) or (1)",
    optional: 1,
    minimum: 0,
  },
  {
    name: "eta",
    doc: "imaginary part of z, > 0: (B, N, H), (H) or (1)",
    optional: 1,
    above: 0,
  },
  { name: "lambda", doc: "real part of z: (H) or (1)", optional: 0 },
];

/** Outputs 0 to 3, for users of `deno task op`. */
export const mixerOutputs: readonly Port[] = [
  { name: "re", doc: "real part of y (B, N, H d_h)" },
  { name: "im", doc: "imaginary part of y (B, N, H d_h)" },
  { name: "g_re", doc: "real part of the pivots (B, N, H)" },
  { name: "g_im", doc: "their imaginary part (B, N, H)" },
];

/** Types of outputs 0 to 3. @throws {ShapeError} If inputs 0 to 4 or the form do not fit */
export function inferMixer(
  inputs: readonly TensorType[],
  attributes: ResolventMixerAttributes,
): readonly TensorType[] {
  const [x, v, t, eta, lambda] = inputs;
  expectRank("the values of resolvent_mixer", x, { rank: 3 });
  expectRank("the potential v of resolvent_mixer", v, { rank: 3 });
  const { batch, n, heads, width, columns } = mixerSizes(inputs);
  const fits = v.shape[0] === batch && v.shape[1] === n && Number.isInteger(columns);
  if (!fits || n < 1 || columns < 1) {
    throw new ShapeError(
      `Cannot use v ${formatShape(v.shape)} with x ${formatShape(x.shape)} in resolvent_mixer: ` +
        `expected (B, N, H) with H dividing the columns of x, and N >= 1`,
    );
  }
  const rules = [
    { name: "t", type: t, shapes: [[batch, n, heads], [heads], [1]] },
    { name: "eta", type: eta, shapes: [[batch, n, heads], [heads], [1]] },
    { name: "lambda", type: lambda, shapes: [[heads], [1]] },
  ];
  for (const { name, type, shapes } of rules) {
    if (type.dtype === "f32" && shapes.some((shape) => sameShape(shape, type.shape))) continue;
    throw new ShapeError(
      `Cannot use ${name} ${formatShape(type.shape)} ${type.dtype} with v ${
        formatShape(v.shape)
      } in resolvent_mixer: expected f32 ${shapes.map(formatShape).join(" or ")}`,
    );
  }
  expectResolventForm(attributes);
  const y = f32(batch, n, width);
  return [y, y, f32(...v.shape), f32(...v.shape)];
}

/** 2 for one value per position and head, 1 per head, 0 for one value. */
export function givenBy({ shape }: TensorType): number {
  if (shape.length === 3) return 2;
  return shape[0] === 1 ? 0 : 1;
}

/** Lanes: full vectors of a software adapter; one warp on hardware, where few long lanes want many cores. */
export function resolventLanes(preset: Preset): number {
  return preset === "gpu" ? 32 : 8;
}

/** Scratch: entries of pivots and of values; for a carry their maps. */
export function mixerScratch(
  { inputs, attributes }: Site<ResolventMixerAttributes>,
): readonly TensorType[] {
  const { batch, n, heads, width } = mixerSizes(inputs);
  const { chunks } = chunksOf(attributes, n);
  const entries = [f32(batch, chunks + 1, heads, 4), f32(batch, chunks + 1, width, 2)];
  return attributes.form === "carry"
    ? [...entries, f32(batch, chunks, heads, 8), f32(batch, chunks, width, 4)]
    : entries;
}

/** Chunks that one launch walks. */
export interface Chunks {
  readonly FIRST: number;
  readonly COUNT: number;
}

/** Launches that walk all chunks. */
export function walkLaunches(
  form: ResolventForm,
  chunks: number,
): readonly Chunks[] {
  return form === "sequential"
    ? Array.from({ length: chunks }, (_, chunk) => ({ FIRST: chunk, COUNT: 1 }))
    : [{ FIRST: 0, COUNT: chunks }];
}

/** One invocation per item and chunk. */
type Launch = (entryPoint: string, at: {
  readonly items: number;
  readonly bindings: readonly Binding[];
  readonly chunks?: Chunks;
}) => Dispatch;

interface LaunchOptions {
  readonly preset: Preset;
  /** States come in as inputs 5 and 6 and leave as outputs 4 and 5. */
  readonly isStreaming: boolean;
  /** Texts of resolvent.wgsl and resolvent_mixer.wgsl. */
  readonly sources: { readonly pivots: string; readonly values: string };
}

/** Launches of the shader of the pivots, or of that of the values. */
function launcher(
  { inputs, attributes }: Site<ResolventMixerAttributes>,
  { preset, isStreaming, sources, of }: LaunchOptions & { readonly of: "pivots" | "values" },
): Launch {
  const { batch, n, heads, columns, groups } = mixerSizes(inputs);
  const { chunk, chunks } = chunksOf(attributes, n);
  const lanes = resolventLanes(preset);
  const common = {
    B: batch,
    N: n,
    HEADS: heads,
    T_BY: givenBy(inputs[2]),
    CHUNK: chunk,
    CHUNKS: chunks,
    EDGE: Number(isStreaming),
    STORED: Number(attributes.form !== "halo"),
    PASSES: Number(attributes.form === "sequential"),
    WORKGROUP: lanes,
  };
  const { warm_up, reach, a } = attributes;
  const own = of === "pivots"
    ? { A: a, ETA_BY: givenBy(inputs[3]), LAMBDA_BY: givenBy(inputs[4]), EARLY: warm_up }
    : { COLUMNS: columns, GROUPS: groups, EARLY: reach };
  return (entryPoint, { items, bindings, chunks = { FIRST: 0, COUNT: 1 } }) => ({
    source: sources[of],
    shader: of === "pivots" ? "resolvent" : "resolvent_mixer",
    entryPoint,
    overrides: { ...common, ...own, ...chunks },
    bindings,
    workgroups: Math.ceil(items * chunks.COUNT / lanes),
  });
}

/** Launches of one recurrence: for a carry the maps of chunks and their links, then the walks. */
function recurrence(launch: Launch, given: {
  /** Walks of a chunk. */
  readonly items: number;
  /** Invocations that link chunks. */
  readonly linked: number;
  readonly operands: readonly Binding[];
  readonly map: Binding;
  readonly results: readonly Binding[];
  readonly form: ResolventForm;
  readonly chunks: number;
}): readonly Dispatch[] {
  const { items, operands, form, chunks } = given;
  const bindings = [...operands, given.map];
  const mapped = { FIRST: 0, COUNT: chunks - 1 };
  return [
    ...(form === "carry"
      ? [
        launch("reduce", { items, bindings, chunks: mapped }),
        launch("link", { items: given.linked, bindings }),
      ]
      : []),
    ...walkLaunches(form, chunks).map((chunks) =>
      launch("forward", { items, bindings: [...operands, ...given.results], chunks })
    ),
  ];
}

/** Positions of those operands that all sequences share. */
export function sharedOperands(
  inputs: readonly TensorType[],
  candidates: readonly number[],
): readonly number[] {
  return candidates.filter((k) => givenBy(inputs[k]) !== 2);
}

/** Launches of all sequences, or cut by sequences, each with its part of the workspace. */
export function mixerDispatches(
  site: Site<ResolventMixerAttributes>,
  options: LaunchOptions & { readonly limits: LaunchLimits | undefined },
): readonly Dispatch[] {
  const sharedInputs = sharedOperands(site.inputs, [2, 3, 4]);
  const shards = { sharedInputs, scratch: mixerScratch(site), ...options.limits };
  return launchByBatch(site, shards, (part) => walks(part, options));
}

function walks(
  site: Site<ResolventMixerAttributes>,
  options: LaunchOptions,
): readonly Dispatch[] {
  const { inputs, attributes: { form } } = site;
  const { batch, n, heads, width, groups } = mixerSizes(inputs);
  const { chunks } = chunksOf(site.attributes, n);
  const launch = launcher(site, { ...options, of: "values" });
  const moved = (entryPoint: string, states: readonly Binding[]): readonly Dispatch[] => {
    const bindings = [...states, scratch(0), scratch(1)];
    return options.isStreaming ? [launch(entryPoint, { items: batch * width, bindings })] : [];
  };
  return [
    ...moved("enter", [input(5), input(6)]),
    ...recurrence(launcher(site, { ...options, of: "pivots" }), {
      items: batch * heads,
      linked: batch * heads,
      operands: [input(1), input(2), input(3), input(4), scratch(0)],
      map: scratch(2),
      results: [output(2), output(3)],
      form,
      chunks,
    }),
    ...recurrence(launch, {
      items: batch * heads * groups,
      linked: batch * width,
      operands: [input(0), input(2), output(2), output(3), scratch(1)],
      map: scratch(3),
      results: [output(0), output(1)],
      form,
      chunks,
    }),
    ...moved("leave", [output(4), output(5)]),
  ];
}
