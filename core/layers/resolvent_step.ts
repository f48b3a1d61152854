import { f32 } from "../graph/shape.ts";
import {
  type ResolventMixed,
  resolventMixer,
  type ResolventMixerInputs,
  type ResolventMixerOptions,
} from "../ops/resolvent_mixer.ts";
import { resolventMixerStream } from "../ops/resolvent_mixer_stream.ts";
import type { Purpose } from "./purpose.ts";

/** The resolvent mixer over whole sequences, or over a chunk that goes on where the one before it ended. */
export function resolventStep(
  inputs: ResolventMixerInputs,
  { purpose, ...options }: ResolventMixerOptions & { readonly purpose: Purpose },
): ResolventMixed {
  if (purpose !== "stream") return resolventMixer(inputs, options);
  const { graph } = inputs.x;
  const [batch, , heads] = inputs.v.type.shape;
  const width = inputs.x.type.shape[2];
  const pivot = graph.state("pivot", { type: f32(batch, heads, 4), initial: 0 });
  const value = graph.state("value", { type: f32(batch, width, 2), initial: 0 });
  const { mixed, state } = resolventMixerStream(inputs, { ...options, state: { pivot, value } });
  graph.carry(pivot, state.pivot);
  graph.carry(value, state.value);
  return mixed;
}
