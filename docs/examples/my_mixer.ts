/**
 * A gated linear recurrence: every channel is a leaky integrator whose step length the token chooses.
 *
 * Symbols
 *   u  values;  s > 0  step lengths;  h  memory, all (B, N, D)
 *   h_i = h_{i-1} + s_i (u_i - h_i), an implicit Euler step of h' = u - h: stable for every s
 *       = a_i h_{i-1} + a_i s_i u_i with a_i = 1 / (1 + s_i)
 */
import {
  add,
  concat,
  divide,
  f32,
  fill,
  linear,
  linearScan,
  multiply,
  type SequenceMixer,
  silu,
  slice,
  softplus,
  type Tensor,
} from "../../mod.ts";

/** Step lengths of the slowest and the fastest channel before training: they remember about 64 tokens and 1. */
const STEPS = [1 / 64, 1] as const;

export const mixer: SequenceMixer = {
  source: "Gated linear recurrence, implicit Euler steps of a leaky integrator",
  streams: true,
  forward: (x, { purpose, residualScale }) => {
    const { graph, type: { shape: [, , width] } } = x;
    const std = 1 / Math.sqrt(width);
    const project = (name: string): Tensor => linear(x, { name, outputs: width, std });
    const atRest = graph.parameter("step_at_rest", {
      type: f32(width),
      initial: { kind: "values", values: logSpacedSteps(width) },
      decay: false,
    });
    const s = softplus(add(project("step"), atRest)); // (B, N, D)
    const one = fill(graph, { shape: [], value: 1 });
    const a = divide(one, add(one, s)); // (B, N, D), between 0 and 1
    const driven = multiply(multiply(a, s), project("values"));
    const h = purpose === "stream" ? scanOn(a, driven) : linearScan(a, driven); // (B, N, D)
    const read = multiply(h, silu(project("gate")));
    return linear(read, { name: "output", outputs: width, std: residualScale * std });
  },
};

/** The scan of a chunk that goes on: the memory that the chunk before left stands in front of it. */
function scanOn(a: Tensor, driven: Tensor): Tensor {
  const { graph, type: { shape: [batch, n, width] } } = driven;
  const before = graph.state("memory", { type: f32(batch, 1, width), initial: 0 });
  const all = linearScan( // the first factor is not used
    concat([before, a], { axis: 1 }),
    concat([before, driven], { axis: 1 }),
  ); // (B, 1 + N, D)
  graph.carry(before, slice(all, { axis: 1, from: n, to: n + 1 }));
  return slice(all, { axis: 1, from: 1, to: n + 1 });
}

/** softplus^-1 of step lengths that are evenly spaced on a log scale. */
function logSpacedSteps(width: number): readonly number[] {
  const [low, high] = STEPS;
  return Array.from({ length: width }, (_, channel) => {
    const step = low * (high / low) ** (width === 1 ? 1 : channel / (width - 1));
    return Math.log(Math.expm1(step));
  });
}
