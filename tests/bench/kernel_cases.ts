/** The kernels that are timed on their own, each as a small graph without uploads. */
import { f32, i32 } from "../../core/graph/shape.ts";
import { Graph, type Tensor } from "../../core/graph/tensor.ts";
import { bkCore } from "../../core/ops/bk_core.ts";
import { causalAttention } from "../../core/ops/causal_attention.ts";
import { chunkedCrossEntropy } from "../../core/ops/chunked_cross_entropy.ts";
import { fill } from "../../core/ops/fill.ts";
import { gelu } from "../../core/ops/gelu.ts";
import { layerNormalise } from "../../core/ops/layer_norm.ts";
import { matmul } from "../../core/ops/matmul.ts";
import { multiply } from "../../core/ops/multiply.ts";
import { rmsNormalise } from "../../core/ops/rms_norm.ts";
import { compilePlan } from "../../core/plan/compile_plan.ts";
import { gradientsOf } from "../../core/plan/differentiate.ts";
import { NO_FUSION } from "../../core/plan/fuse.ts";
import type { Plan } from "../../core/plan/plan.ts";

/** One timed graph. */
export interface KernelCase {
  readonly name: string;
  readonly plan: Plan;
  /** Tokens, rows or other items that one replay handles, for a time per item. */
  readonly items: number;
}

/** What a case computes from its operands; every result is kept alive. */
interface CaseSpec {
  readonly name: string;
  readonly items: number;
  readonly forward: (graph: Graph) => { readonly operands: readonly Tensor[]; readonly y: Tensor };
  /** Also the gradient of every operand. @default false */
  readonly vjp?: boolean;
}

/** An output of one value: reading it waits for the replays before it. */
export const FENCE = "fence";

function build({ name, items, forward, vjp = false }: CaseSpec): KernelCase {
  const graph = new Graph();
  const { operands, y } = forward(graph);
  graph.output("y", y);
  if (vjp) {
    const cotangent = normal(graph, "cotangent", y.type.shape);
    gradientsOf([{ tensor: y, cotangent }], operands)
      .forEach((gradient, index) => graph.output(`gradient${index}`, gradient));
  }
  graph.output(FENCE, fill(graph, { shape: [1], value: 1 }));
  // Operands are parameters, which are uploaded once; fusion would join what is timed apart.
  return { name, items, plan: compilePlan(graph, { fusion: NO_FUSION }) };
}

function normal(graph: Graph, name: string, shape: readonly number[]): Tensor {
  const initial = { kind: "normal", standardDeviation: 1 } as const;
  return graph.parameter(name, { type: f32(...shape), initial, decay: false });
}

function constant(graph: Graph, name: string, value: number): Tensor {
  return graph.parameter(name, {
    type: f32(1),
    initial: { kind: "constant", value },
    decay: false,
  });
}

/** n × n × n products; each letter of `form` says whether a factor is taken as it is or transposed. */
function cube(n: number, form: "nn" | "nt" | "tn"): KernelCase {
  const [transposeA, transposeB] = [form[0] === "t", form[1] === "t"];
  return build({
    name: `matmul ${n} ${form}`,
    items: n,
    forward: (graph) => {
      const operands = [normal(graph, "a", [n, n]), normal(graph, "b", [n, n])];
      return { operands, y: matmul(operands[0], operands[1], { transposeA, transposeB }) };
    },
  });
}

/** The causal core of B sequences of one channel, with eta 0.5. */
export function bkCase(
  [batch, n]: readonly [number, number],
  { vjp, eta = 0.5 }: { readonly vjp: boolean; readonly eta?: number },
): KernelCase {
  return build({
    name: `bk_core${vjp ? " + vjp" : ""} B ${batch} N ${n}`,
    items: batch * n,
    vjp,
    forward: (graph) => {
      const v = normal(graph, "v", [batch, 1, n]);
      const operands = [
        v,
        constant(graph, "p", 1),
        constant(graph, "eta", eta),
        constant(graph, "lambda", 0),
      ];
      const inputs = { v, p: operands[1], eta: operands[2], lambda: operands[3] };
      return { operands, y: bkCore(inputs, { bounds: { etaMin: eta, pMax: 1 } }) };
    },
  });
}

/** Cores of one step in `bkStepCase`. */
export const CORES_PER_STEP = 16;

/** Several such cores with their gradients in one step, as the blocks of a model have them: one submission for all. */
export function bkStepCase([batch, n]: readonly [number, number], eta: number): KernelCase {
  const graph = new Graph();
  for (let core = 0; core < CORES_PER_STEP; core++) {
    graph.scope(`core${core}`, () => {
      const v = normal(graph, "v", [batch, 1, n]);
      const [p, shift, lambda] = [1, eta, 0].map((value, k) =>
        constant(graph, ["p", "eta", "lambda"][k], value)
      );
      const y = bkCore({ v, p, eta: shift, lambda }, { bounds: { etaMin: eta, pMax: 1 } });
      const cotangent = normal(graph, "cotangent", y.type.shape);
      gradientsOf([{ tensor: y, cotangent }], [v, p, shift, lambda])
        .forEach((gradient, index) => graph.output(`gradient${core}/${index}`, gradient));
    });
  }
  graph.output(FENCE, fill(graph, { shape: [1], value: 1 }));
  const name = `${CORES_PER_STEP} bk_core + vjp B ${batch} N ${n} in one step`;
  const plan = compilePlan(graph, { fusion: NO_FUSION });
  return { name, items: CORES_PER_STEP * batch * n, plan };
}

/** Pairs (B, N) of one product, N from 1,024 to 131,072. */
export const FLATNESS_SHAPES: readonly (readonly [number, number])[] = Array.from(
  { length: 8 },
  (_, k) => [2 ** (7 - k), 2 ** (10 + k)],
);

/** One operand of rows × width through `f`. */
function rowwise(
  name: string,
  [rows, width]: readonly [number, number],
  f: (x: Tensor) => Tensor,
): KernelCase {
  return build({
    name: `${name} ${rows} x ${width}`,
    items: rows,
    vjp: true,
    forward: (graph) => {
      const x = normal(graph, "x", [rows, width]);
      return { operands: [x], y: f(x) };
    },
  });
}

function attention(
  [batch, length, heads, width]: readonly [number, number, number, number],
): KernelCase {
  return build({
    name: `attention + vjp B ${batch} T ${length} H ${heads} x ${width}`,
    items: batch * length,
    vjp: true,
    forward: (graph) => {
      const operands = ["q", "k", "v"].map((name) =>
        normal(graph, name, [batch, length, heads * width])
      );
      const [q, k, v] = operands;
      return { operands, y: causalAttention({ q, k, v }, { heads }) };
    },
  });
}

function crossEntropy([rows, width, classes]: readonly [number, number, number]): KernelCase {
  return build({
    name: `cross-entropy + vjp ${rows} x ${width}, ${classes} classes`,
    items: rows,
    vjp: true,
    forward: (graph) => {
      const operands = [normal(graph, "x", [rows, width]), normal(graph, "head", [classes, width])];
      const targets = graph.input("targets", i32(rows));
      return { operands, y: chunkedCrossEntropy(operands[0], { head: operands[1], targets }).loss };
    },
  });
}

/** Every case by group; cases of a group are built when it is asked for. */
export const KERNEL_GROUPS: Readonly<Record<string, () => readonly KernelCase[]>> = {
  matmul: () =>
    [256, 512, 1024].flatMap((n) => (["nn", "nt", "tn"] as const).map((form) => cube(n, form))),
  "bk-core": () => [bkCase([8, 2048], { vjp: false }), bkCase([8, 2048], { vjp: true })],
  "bk-core-flatness": () => FLATNESS_SHAPES.map((shape) => bkCase(shape, { vjp: true })),
  attention: () => [attention([8, 128, 3, 32]), attention([4, 512, 4, 32])],
  "cross-entropy": () => [crossEntropy([1024, 96, 256]), crossEntropy([1024, 256, 256])],
  elementwise: () => [
    rowwise("gelu + vjp", [1024, 384], gelu),
    rowwise("square + vjp", [4096, 1024], (x) => multiply(x, x)),
  ],
  norm: () => [
    rowwise("layer norm + vjp", [1024, 96], (x) => layerNormalise(x, { epsilon: 1e-5 })),
    rowwise("rms norm + vjp", [1024, 96], (x) => rmsNormalise(x, { epsilon: 1e-5 })),
    rowwise("layer norm + vjp", [4096, 1024], (x) => layerNormalise(x, { epsilon: 1e-5 })),
  ],
};
