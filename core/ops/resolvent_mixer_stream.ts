/** The resolvent mixer on a piece of a sequence: its state comes in and leaves. docs/mathematics.md §12.6. */
import pivots from "../../shaders/resolvent.wgsl" with { type: "text" };
import values from "../../shaders/resolvent_mixer.wgsl" with { type: "text" };
import type { Op, Trial } from "../graph/op.ts";
import { expectShape, f32 } from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { applyAll } from "../graph/trace.ts";
import {
  chooseResolventForm,
  IN_ORDER,
  type ResolventFormAttributes,
  resolventRounds,
} from "./resolvent_forms.ts";
import {
  inferMixer,
  mixerDispatches,
  mixerInputs,
  mixerOutputs,
  mixerScratch,
  mixerSizes,
  type ResolventMixerAttributes,
} from "./resolvent_launches.ts";
import {
  mixByDefinition,
  mixerCost,
  type ResolventMixed,
  type ResolventMixerInputs,
  type ResolventMixerOptions,
  signature,
} from "./resolvent_mixer.ts";

/** What a piece leaves to the next. All zero: nothing precedes. */
export interface ResolventState {
  /** Last pivot (B, H, 4): real and imaginary part, then the lower parts of both. */
  readonly pivot: Tensor;
  /** Last y (B, H d_h, 2). */
  readonly value: Tensor;
}

/**
 * Positions that follow those which left `state`. In the sequential form any cut of a sequence gives the bits of
 * one pass. It has no gradient.
 */
export function resolventMixerStream(
  { x, v, t, eta, lambda }: ResolventMixerInputs,
  options: ResolventMixerOptions & { readonly state: ResolventState },
): { readonly mixed: ResolventMixed; readonly state: ResolventState } {
  const [, length, heads] = v.type.shape;
  const { pivot, value } = options.state;
  const [re, im, gRe, gIm, nextPivot, nextValue] = applyAll(
    op,
    [x, v, t, eta, lambda, pivot, value],
    { a: options.a ?? -2, ...chooseResolventForm({ length, heads }, options.bounds) },
  );
  return { mixed: { re, im, gRe, gIm }, state: { pivot: nextPivot, value: nextValue } };
}

const trial = (
  name: string,
  [batch, n, heads, columns]: readonly [number, number, number, number],
  form: ResolventFormAttributes = IN_ORDER,
): Trial<ResolventMixerAttributes> => ({
  name: `${name}, ${form.form}`,
  inputs: [
    { type: f32(batch, n, heads * columns), law: "normal" },
    { type: f32(batch, n, heads), law: (_, u) => 6 * u - 3 },
    { type: f32(batch, n, heads), law: (_, u) => 0.2 + 1.2 * u },
    { type: f32(heads), law: (_, u) => 2.8 + u },
    { type: f32(1), law: [0.25] },
    // A pivot has a positive imaginary part, and lower parts below 2^-24 of its upper ones.
    { type: f32(batch, heads, 4), law: (i, u) => [u - 0.5, 0.1 + u, 1e-9, 1e-9][i % 4] },
    { type: f32(batch, heads * columns, 2), law: "normal" },
  ],
  attributes: { a: -2, ...form },
  tolerance: 1e-6, // as for resolvent_mixer
  gradientTolerance: false,
});

export const op: Op<ResolventMixerAttributes> = {
  name: "resolvent_mixer_stream",
  signature: {
    ...signature,
    doc: "resolvent_mixer on a piece of a sequence, with the state before and after",
    inputs: [
      ...mixerInputs,
      { name: "pivot", doc: "pivot before the piece (B, H, 4): upper, then lower parts" },
      { name: "value", doc: "y before the piece (B, H d_h, 2)" },
    ],
    outputs: [
      ...mixerOutputs,
      { name: "next_pivot", doc: "last pivot (B, H, 4)" },
      { name: "next_value", doc: "last y (B, H d_h, 2)" },
    ],
  },
  infer: (inputs, attributes) => {
    const types = inferMixer(inputs, attributes);
    const { batch, heads, width } = mixerSizes(inputs);
    const states = [f32(batch, heads, 4), f32(batch, width, 2)];
    expectShape("the pivot of resolvent_mixer_stream", inputs[5], states[0]);
    expectShape("the value of resolvent_mixer_stream", inputs[6], states[1]);
    return [...types, ...states];
  },
  reference: (site, { inputs, outputs }) => {
    const [pivot, value] = inputs.slice(5);
    const { batch, n, heads, width, columns } = mixerSizes(site.inputs);
    mixByDefinition(site, { inputs, outputs }, (chain) => ({
      g: [pivot[4 * chain] + pivot[4 * chain + 2], pivot[4 * chain + 1] + pivot[4 * chain + 3]],
      y: (column) => [
        value[2 * (chain * columns + column)],
        value[2 * (chain * columns + column) + 1],
      ],
    }));
    const [re, im, gRe, gIm, nextPivot, nextValue] = outputs;
    for (let index = 0; index < batch * width; index++) {
      const [sequence, column] = [Math.floor(index / width), index % width];
      const last = (sequence * n + n - 1) * width + column;
      nextValue.set([re[last], im[last]], 2 * index);
    }
    for (let chain = 0; chain < batch * heads; chain++) {
      const last = (Math.floor(chain / heads) * n + n - 1) * heads + chain % heads;
      nextPivot.set([gRe[last], gIm[last], 0, 0], 4 * chain);
    }
  },
  scratch: mixerScratch,
  lower: {
    webgpu: (site, preset, limits) =>
      mixerDispatches(site, { preset, limits, isStreaming: true, sources: { pivots, values } }),
  },
  rounds: ({ inputs, attributes }) => {
    const { n, columns } = mixerSizes(inputs);
    return resolventRounds(attributes, { length: n, columns });
  },
  cost: mixerCost,
  trials: [
    trial("one position", [2, 1, 3, 2]),
    trial("several launches", [2, 13, 2, 3], { ...IN_ORDER, chunk: 5 }),
    trial("chunks", [2, 13, 2, 3], { form: "carry", chunk: 5, warm_up: 2, reach: 0 }),
    trial("chunks that warm up", [1, 43, 1, 2], {
      form: "halo",
      chunk: 5,
      warm_up: 13,
      reach: 23,
    }),
  ],
};
