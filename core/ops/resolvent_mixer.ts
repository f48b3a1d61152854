/**
 * Resolvent mixer: the causal factor of a tridiagonal resolvent, applied to values.
 *
 * Sources
 *   [1] docs/mathematics.md §12 (definition, bounds, adjoint, forms).
 * Symbols
 *   H  real symmetric tridiagonal matrix of a head: diagonal a + v_i, bond t_i >= 0 between i - 1 and i
 *   z  = lambda + i eta, eta > 0;   d_i = a + v_i - lambda - i eta_i
 *   g  pivots, g_i = last diagonal element of (H_{1..i} - z)^-1;   y_i = last element of (H_{1..i} - z)^-1 x_{1..i}
 * Departures
 *   The reference solves with every leading block, so that it shares no recurrence with the shader.
 */
import pivots from "../../shaders/resolvent.wgsl" with { type: "text" };
import values from "../../shaders/resolvent_mixer.wgsl" with { type: "text" };
import {
  type Op,
  type Signature,
  type Site,
  stopped,
  type Trial,
  type VjpSite,
} from "../graph/op.ts";
import { f32, type Shape, sizeOf } from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { applyAll } from "../graph/trace.ts";
import type { Complex } from "./band_solve.ts";
import { fill } from "./fill.ts";
import { applyRow, causalRow } from "./resolvent_by_leading_blocks.ts";
import {
  chooseResolventForm,
  IN_ORDER,
  type ResolventBounds,
  type ResolventFormAttributes,
  resolventFormParameters,
  resolventRounds,
} from "./resolvent_forms.ts";
import {
  givenBy,
  inferMixer,
  mixerDispatches,
  mixerInputs,
  mixerOutputs,
  mixerScratch,
  mixerSizes,
  type ResolventMixerAttributes,
} from "./resolvent_launches.ts";
import { resolventMixerVjp } from "./resolvent_mixer_vjp.ts";
import { scale } from "./scale.ts";
import { sumTo } from "./sum_to.ts";

/** Operands of the mixer: B sequences, N positions, H heads of d_h columns. */
export interface ResolventMixerInputs {
  /** Values (B, N, H d_h), the columns of a head together. */
  readonly x: Tensor;
  /** Potential (B, N, H). */
  readonly v: Tensor;
  /** Bonds between i - 1 and i, >= 0: (B, N, H), (H) or (1). The first of a sequence is not used. */
  readonly t: Tensor;
  /** Distance of z from the real axis, > 0: (B, N, H), (H) or (1). */
  readonly eta: Tensor;
  /** Real part of z: (H) or (1). */
  readonly lambda: Tensor;
}

/** Settings of the mixer. */
export interface ResolventMixerOptions {
  /** Constant part of the diagonal; -2 is the discrete Laplacian. @default -2 */
  readonly a?: number;
  /** Bounds that allow chunks which start early from nothing. @default none: in order, or carried exactly */
  readonly bounds?: ResolventBounds;
}

/** What the mixer gives. */
export interface ResolventMixed {
  /** Real and imaginary part of y (B, N, H d_h). */
  readonly re: Tensor;
  /** Imaginary part of y. */
  readonly im: Tensor;
  /** Real and imaginary part of the pivots (B, N, H). */
  readonly gRe: Tensor;
  /** Imaginary part of the pivots. */
  readonly gIm: Tensor;
}

/** y_i = g_i (x_i - t_i y_{i-1}), g_i = 1 / (d_i - t_i^2 g_{i-1}). |y_i| <= |x_{1..i}| / eta. docs/mathematics.md §12. */
export function resolventMixer(
  { x, v, t, eta, lambda }: ResolventMixerInputs,
  options: ResolventMixerOptions = {},
): ResolventMixed {
  const [, length, heads] = v.type.shape;
  const [re, im, gRe, gIm] = applyAll(op, [x, v, t, eta, lambda], {
    a: options.a ?? -2,
    ...chooseResolventForm({ length, heads }, options.bounds),
  });
  return { re, im, gRe, gIm };
}

type Values = Parameters<Op["reference"]>[1];

/** What precedes position 0 of a chain, counted over sequences and heads: its pivot, and y by column. */
export type MixerEntry = (chain: number) => {
  readonly g: Complex;
  readonly y: (column: number) => Complex;
};

const nothing: ReturnType<MixerEntry> = { g: [0, 0], y: () => [0, 0] };

/** Outputs 0 to 3 in f64. What precedes position 0 has been eliminated: it changes d_0 and x_0. */
export function mixByDefinition(
  { inputs: types, attributes: { a } }: Site<ResolventMixerAttributes>,
  { inputs: [x, v, t, eta, lambda], outputs: [re, im, gRe, gIm] }: Values,
  entry: MixerEntry = () => nothing,
): void {
  const { batch, n, heads, width, columns } = mixerSizes(types);
  for (let chain = 0; chain < batch * heads; chain++) {
    const [sequence, head] = [Math.floor(chain / heads), chain % heads];
    const cells = Array.from({ length: n }, (_, i) => (sequence * n + i) * heads + head);
    const at = (operand: number, cell: number): number => [0, head, cell][givenBy(types[operand])];
    const bonds = cells.map((cell) => t[at(2, cell)]);
    const before = entry(chain);
    const diagonal = cells.map((cell, i): Complex => {
      const p = i === 0 ? bonds[0] ** 2 : 0;
      const real = a + v[cell] - lambda[at(4, cell)];
      return [real - p * before.g[0], -eta[at(3, cell)] - p * before.g[1]];
    });
    for (let i = 0; i < n; i++) {
      const row = causalRow({ diagonal, bonds }, i);
      [gRe[cells[i]], gIm[cells[i]]] = row[i];
      for (let column = 0; column < columns; column++) {
        const place = (j: number): number => (sequence * n + j) * width + head * columns + column;
        const y = before.y(column);
        [re[place(i)], im[place(i)]] = applyRow(row, (j) => {
          const t_0 = j === 0 ? bonds[0] : 0;
          return [x[place(j)] - t_0 * y[0], -t_0 * y[1]];
        });
      }
    }
  }
}

function gradients(
  { inputs, outputs, cotangents, needs, attributes }: VjpSite<ResolventMixerAttributes>,
): readonly (Tensor | typeof stopped)[] {
  const [x, , t, eta, lambda] = inputs;
  const [re, im, gRe, gIm] = outputs;
  const [dre, dim, dgRe, dgIm] = cotangents;
  if (!dre && !dim && !dgRe && !dgIm) return [];
  const zeros = (of: Tensor): Tensor => fill(x.graph, { shape: of.type.shape, value: 0 });
  const { form, chunk, warm_up, reach } = attributes;
  const found = resolventMixerVjp(
    { x, t, re, im, gRe, gIm, dre: dre ?? zeros(re), dim: dim ?? zeros(im) },
    {
      form: { form, chunk, warm_up, reach },
      ...(dgRe || dgIm ? { dg: { re: dgRe ?? zeros(gRe), im: dgIm ?? zeros(gIm) } } : {}),
    },
  );
  return [
    found.dx,
    found.dv,
    needs[2] ? sumTo(found.dt, t.type.shape) : stopped,
    needs[3] ? sumTo(found.deta, eta.type.shape) : stopped,
    needs[4] ? scale(sumTo(found.dv, lambda.type.shape), -1) : stopped,
  ];
}

export const signature: Signature<ResolventMixerAttributes> = {
  doc: "Causal factor of a tridiagonal resolvent applied to values, as a gated linear recurrence",
  inputs: mixerInputs,
  outputs: mixerOutputs,
  params: {
    a: { default: -2, doc: "constant part of the diagonal" },
    ...resolventFormParameters,
  },
};

/** Real operations per position: about 12 per head and 10 per column. */
export function mixerCost({ inputs }: Site): { readonly flops: number; readonly bytes: number } {
  const { batch, n, heads, width } = mixerSizes(inputs);
  const given = inputs.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  return {
    flops: batch * n * (12 * heads + 10 * width),
    bytes: 4 * (given + 2 * batch * n * (heads + width)),
  };
}

const trial = (
  name: string,
  [batch, n, heads, columns]: readonly [number, number, number, number],
  at: {
    readonly eta: number;
    /** Whether t and eta have one value per position, head, or in all. @default "position" */
    readonly given?: "position" | "head" | "once";
    readonly form?: ResolventFormAttributes;
  },
): Trial<ResolventMixerAttributes> => {
  const { given = "position", form = IN_ORDER } = at;
  const cells: Shape = { position: [batch, n, heads], head: [heads], once: [1] }[given];
  return {
    name: `${name}, eta ${at.eta} by ${given}, ${form.form}`,
    inputs: [
      { type: f32(batch, n, heads * columns), law: "normal" },
      { type: f32(batch, n, heads), law: (_, u) => 6 * u - 3 },
      { type: f32(...cells), law: (_, u) => 0.2 + 1.2 * u },
      { type: f32(...cells), law: (_, u) => at.eta * (1 + u) },
      { type: f32(given === "once" ? 1 : heads), law: (_, u) => u - 0.5 },
    ],
    attributes: { a: -2, ...form },
    // Values grow as 1/eta where chains resonate, and rounding with them.
    tolerance: 1e-6 * Math.max(1, 0.1 / at.eta),
    gradientTolerance: 2e-6 * Math.max(1, 0.1 / at.eta),
  };
};

const carry = (chunk: number): ResolventFormAttributes => ({
  form: "carry",
  chunk,
  warm_up: 3,
  reach: 0,
});
/** For eta from 2.8 on, twice the largest bond of the trials: 13 and 23 positions. */
const halo: ResolventFormAttributes = { form: "halo", chunk: 5, warm_up: 13, reach: 23 };

export const op: Op<ResolventMixerAttributes> = {
  name: "resolvent_mixer",
  signature,
  infer: inferMixer,
  vjp: gradients,
  reference: (site, values) => mixByDefinition(site, values),
  scratch: mixerScratch,
  keepsF32: true,
  lower: {
    webgpu: (site, preset, limits) =>
      mixerDispatches(site, { preset, limits, isStreaming: false, sources: { pivots, values } }),
  },
  rounds: ({ inputs, attributes }) => {
    const { n, columns } = mixerSizes(inputs);
    return resolventRounds(attributes, { length: n, columns });
  },
  cost: mixerCost,
  trials: [
    trial("one position", [2, 1, 3, 2], { eta: 1 }),
    trial("two positions", [1, 2, 1, 1], { eta: 0.1, given: "once" }),
    trial("a prime length", [2, 31, 2, 3], { eta: 0.01 }),
    trial("more columns than lanes", [1, 3, 5, 13], { eta: 0.1, given: "head" }),
    trial("several launches", [2, 13, 2, 3], { eta: 0.1, form: { ...IN_ORDER, chunk: 5 } }),
    trial("a prime length in chunks", [2, 23, 1, 3], { eta: 0.03, form: carry(7) }),
    trial("a position over", [1, 21, 3, 2], { eta: 0.3, given: "head", form: carry(10) }),
    trial("chunks that warm up", [2, 43, 1, 2], { eta: 2.8, form: halo }),
  ],
};
