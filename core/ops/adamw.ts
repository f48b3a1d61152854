/** One AdamW update of all parameters at once. docs/mathematics.md §8. */
import source from "../../shaders/adamw.wgsl" with { type: "text" };
import { type Attributes, input, type Op, output, type Trial } from "../graph/op.ts";
import { expectShape, f32 } from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { applyAll } from "../graph/trace.ts";
import { launchByRows, perRow } from "./row_shards.ts";

export interface AdamwAttributes extends Attributes {
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  readonly weight_decay: number;
  /** Largest norm of the gradient that is applied as it is; longer ones are scaled down to it. */
  readonly grad_clip: number;
  /** Elements before this index are decayed, the others are not. */
  readonly decayed: number;
}

/** Tensors of one update; the flat arenas param, grad, m, v have one length (n). */
export interface AdamwInputs {
  readonly parameters: Tensor;
  readonly gradient: Tensor;
  readonly m: Tensor;
  readonly v: Tensor;
  /** (3): learning rate, 1/(1 - beta1^t), 1/(1 - beta2^t) for update t = 1, 2, …, computed on the host. */
  readonly schedule: Tensor;
  /** (1): norm of the gradient. */
  readonly norm: Tensor;
}

/**
 * Overwrites parameters, m and v. Source: Loshchilov and Hutter, "Decoupled weight decay regularization"
 * (2019), algorithm 2.
 */
export function adamw(inputs: AdamwInputs, attributes: AdamwAttributes): void {
  const { parameters, gradient, m, v, schedule, norm } = inputs;
  applyAll(op, [parameters, m, v, gradient, schedule, norm], attributes);
}

const WORKGROUP = 64;

const trial = (name: string, size: number, norm: number): Trial<AdamwAttributes> => ({
  name,
  inputs: [
    { type: f32(size), law: "normal" },
    { type: f32(size), law: "normal" },
    { type: f32(size), law: "positive" },
    { type: f32(size), law: "normal" },
    { type: f32(3), law: [1e-3, 2.5, 7] },
    { type: f32(1), law: [norm] },
  ],
  attributes: {
    beta1: 0.9,
    beta2: 0.99,
    epsilon: 1e-8,
    weight_decay: 0.1,
    grad_clip: 1,
    decayed: 7,
  },
  tolerance: 1e-6,
  gradientTolerance: false,
});

export const op: Op<AdamwAttributes> = {
  name: "adamw",
  signature: {
    doc: "One AdamW update with the gradient's norm clipped; overwrites its first three inputs",
    inputs: [
      { name: "parameters", doc: "(n)" },
      { name: "m", doc: "first moment (n)" },
      { name: "v", doc: "second moment (n)" },
      { name: "gradient", doc: "(n)" },
      { name: "schedule", doc: "(3): learning rate, 1/(1 - beta1^t), 1/(1 - beta2^t)" },
      { name: "norm", doc: "(1): norm of the gradient" },
    ],
    outputs: [
      { name: "parameters", doc: "(n)" },
      { name: "m", doc: "(n)" },
      { name: "v", doc: "(n)" },
    ],
    params: {
      beta1: { default: 0.9, doc: "decay of the first moment" },
      beta2: { default: 0.99, doc: "decay of the second moment" },
      epsilon: { default: 1e-8, doc: "added to the root of the second moment" },
      weight_decay: { default: 0.1, doc: "decoupled weight decay" },
      grad_clip: { default: 1, doc: "largest norm of the gradient" },
      decayed: { default: 0, doc: "elements before this index are decayed" },
    },
  },
  infer: ([parameters, m, v, gradient, schedule, norm]) => {
    for (const type of [m, v, gradient]) expectShape("an arena of adamw", type, parameters);
    expectShape("the schedule of adamw", schedule, f32(3));
    expectShape("the norm of adamw", norm, f32(1));
    return [parameters, m, v];
  },
  updates: { 0: 0, 1: 1, 2: 2 },
  reference: ({ attributes: at }, { inputs, outputs: [nextP, nextM, nextV] }) => {
    const [parameters, m, v, gradient, [rate, correction1, correction2], [norm]] = inputs;
    const factor = norm > at.grad_clip ? at.grad_clip / norm : 1;
    for (let i = 0; i < parameters.length; i++) {
      const g = gradient[i] * factor;
      nextM[i] = at.beta1 * m[i] + (1 - at.beta1) * g;
      nextV[i] = at.beta2 * v[i] + (1 - at.beta2) * g * g;
      const step = (nextM[i] * correction1) / (Math.sqrt(nextV[i] * correction2) + at.epsilon);
      const decay = i < at.decayed ? at.weight_decay * parameters[i] : 0;
      nextP[i] = parameters[i] - rate * (step + decay);
    }
  },
  lower: {
    webgpu: ({ inputs: [parameters], attributes: at }, _, limits) => {
      // Outputs are the inputs' memory, so each arena is bound once.
      const arenas = [output(0), output(1), output(2), input(3)];
      const tensors = arenas.map((binding) => perRow(binding, 4));
      const all = { rows: parameters.shape[0], perRow: tensors, ...limits };
      return launchByRows(all, ({ first, rows }) => [{
        source,
        shader: "adamw",
        entryPoint: "update",
        overrides: {
          SIZE: rows,
          DECAYED: Math.min(rows, Math.max(0, at.decayed - first)),
          BETA1: at.beta1,
          BETA2: at.beta2,
          // 1 - beta is formed in f64: in f32 it would lose digits.
          REST1: 1 - at.beta1,
          REST2: 1 - at.beta2,
          EPSILON: at.epsilon,
          WEIGHT_DECAY: at.weight_decay,
          GRAD_CLIP: at.grad_clip,
          WORKGROUP,
        },
        bindings: [...arenas, input(4), input(5)],
        workgroups: Math.ceil(rows / WORKGROUP),
      }]);
    },
  },
  cost: ({ inputs: [parameters] }) => ({
    flops: 15 * parameters.shape[0],
    bytes: 28 * parameters.shape[0],
  }),
  trials: [trial("one element, not clipped", 1, 0.5), trial("clipped", 259, 4)],
};
