/**
 * jax-js in the side-by-side benchmark; the last argument is its device, "webgpu" or "wasm".
 *
 * One update is one jit function of parameters, moments, batch and factors, which is its documented fast path:
 * value and gradient, then AdamW per parameter, so that it may fuse what it likes.
 */
import { type OpenTool, runPeer, type TrainingTool } from "../run_protocol.ts";
import { type LoadedCase, updateFactors, valuesOf } from "../training_case.ts";

/** The part of a jax-js array that is used here. A use consumes the array; `ref` keeps it. */
interface JaxArray {
  readonly ref: JaxArray;
  readonly add: (x: JaxArray | number) => JaxArray;
  readonly mul: (x: JaxArray | number) => JaxArray;
  readonly div: (x: JaxArray | number) => JaxArray;
  readonly sub: (x: JaxArray | number) => JaxArray;
  readonly reshape: (shape: readonly number[]) => JaxArray;
  readonly data: () => Promise<Float32Array<ArrayBuffer>>;
  readonly dispose: () => void;
}
type Tree = { readonly [name: string]: JaxArray };

/** The part of the package that is used here; its own types would make every checkout install it. */
interface JaxModule {
  readonly init: (device: string) => Promise<readonly string[]>;
  readonly defaultDevice: (device: string) => void;
  readonly jit: (f: Step) => Step;
  readonly valueAndGrad: (
    f: Loss,
  ) => (parameters: Tree, tokens: JaxArray, targets: JaxArray) => readonly [JaxArray, Tree];
  readonly numpy: {
    readonly array: (
      values: Float32Array | Int32Array,
      options: { readonly shape: readonly number[]; readonly dtype: string },
    ) => JaxArray;
    readonly matmul: (a: JaxArray, b: JaxArray) => JaxArray;
    readonly take: (a: JaxArray, indices: JaxArray, axis: number) => JaxArray;
    readonly sqrt: (x: JaxArray) => JaxArray;
    readonly square: (x: JaxArray) => JaxArray;
    readonly mean: (x: JaxArray, axis?: number, options?: { keepdims: boolean }) => JaxArray;
    readonly sum: (x: JaxArray, axis?: number) => JaxArray;
    readonly matrixTranspose: (x: JaxArray) => JaxArray;
  };
  readonly nn: {
    readonly gelu: (x: JaxArray) => JaxArray;
    readonly oneHot: (x: JaxArray, classes: number) => JaxArray;
    readonly logSoftmax: (x: JaxArray, axis: number) => JaxArray;
    readonly dotProductAttention: (
      q: JaxArray,
      k: JaxArray,
      v: JaxArray,
      options: { readonly isCausal: boolean },
    ) => JaxArray;
  };
}

interface State {
  readonly loss: JaxArray;
  readonly parameters: Tree;
  readonly m: Tree;
  readonly v: Tree;
}
type Step = (
  parameters: Tree,
  m: Tree,
  v: Tree,
  tokens: JaxArray,
  targets: JaxArray,
  correction1: JaxArray,
  correction2: JaxArray,
) => State;
type Loss = (parameters: Tree, tokens: JaxArray, targets: JaxArray) => JaxArray;

/** Name in deno.json next to this file; not a literal, so that other configurations need not know it. */
const PACKAGE: string = "@jax-js/jax";

async function open(task: LoadedCase, [device]: readonly string[]): Promise<OpenTool> {
  const jax: JaxModule = await import(PACKAGE);
  const devices = await jax.init(device);
  if (!devices.includes(device)) {
    throw new Error(`jax-js has no device "${device}", only ${devices.join(", ")}`);
  }
  jax.defaultDevice(device);
  return {
    tool: toolOf(jax, task),
    facts: { version: "0.1.25", device: await describe(device) },
  };
}

async function describe(device: string): Promise<string> {
  if (device !== "webgpu") return device;
  const adapter = await navigator.gpu.requestAdapter();
  return `webgpu, ${adapter?.info.description}`;
}

function toolOf(jax: JaxModule, task: LoadedCase): TrainingTool {
  const { array } = jax.numpy;
  const tree = (valueAt: (offset: number, size: number) => Float32Array): Tree =>
    Object.fromEntries(task.parameters.map((parameter) => {
      const values = valueAt(parameter.offset, valuesOf(parameter));
      return [parameter.name, array(values, { shape: parameter.shape, dtype: "float32" })];
    }));
  const zeros = (): Tree => tree((_, size) => new Float32Array(size));
  const update = jax.jit(updateOf(jax, task));
  let parameters = tree((offset, size) => task.initial.slice(offset, offset + size));
  let m = zeros();
  let v = zeros();
  let loss: JaxArray | undefined;
  return {
    step: (index) => {
      const { tokens, targets } = task.batchOf(index);
      const { correction1, correction2 } = updateFactors(task.optimiser, index + 1);
      const ids = (values: Int32Array): JaxArray =>
        array(values, { shape: [task.batch, task.seqLen], dtype: "int32" });
      const scalar = (x: number): JaxArray =>
        array(Float32Array.of(x), { shape: [], dtype: "float32" });
      loss?.dispose();
      ({ loss, parameters, m, v } = update(
        parameters,
        m,
        v,
        ids(tokens),
        ids(targets),
        scalar(correction1),
        scalar(correction2),
      ));
    },
    readLoss: async () => (await loss!.ref.data())[0],
    readParameters: async () => {
      const all = new Float32Array(task.initial.length);
      for (const { name, offset } of task.parameters) {
        all.set(await parameters[name].ref.data(), offset);
      }
      return all;
    },
    destroy: () => {},
  };
}

/** Loss, gradients and AdamW of one update. */
function updateOf(jax: JaxModule, task: LoadedCase): Step {
  const gradient = jax.valueAndGrad(lossOf(jax, task));
  const { learningRate, beta1, beta2, epsilon, weightDecay } = task.optimiser;
  return (parameters, m, v, tokens, targets, correction1, correction2) => {
    const [loss, gradients] = gradient(keep(parameters), tokens, targets);
    const nextM: Record<string, JaxArray> = {};
    const nextV: Record<string, JaxArray> = {};
    const next: Record<string, JaxArray> = {};
    for (const { name, decay } of task.parameters) {
      const g = gradients[name];
      nextM[name] = m[name].mul(beta1).add(g.ref.mul(1 - beta1));
      nextV[name] = v[name].mul(beta2).add(jax.numpy.square(g).mul(1 - beta2));
      const root = jax.numpy.sqrt(nextV[name].ref.mul(correction2.ref)).add(epsilon);
      const change = nextM[name].ref.mul(correction1.ref).div(root).mul(learningRate);
      const old = parameters[name];
      next[name] = (decay ? old.mul(1 - learningRate * weightDecay) : old).sub(change);
    }
    correction1.dispose();
    correction2.dispose();
    return { loss, parameters: next, m: nextM, v: nextV };
  };
}

function keep(tree: Tree): Tree {
  return Object.fromEntries(Object.entries(tree).map(([name, array]) => [name, array.ref]));
}

/** Mean cross-entropy of the model, in nats per token. */
function lossOf({ numpy, nn }: JaxModule, task: LoadedCase): Loss {
  const { width, heads, layers, vocabulary, normEpsilon } = task.model;
  const rows = task.batch * task.seqLen;
  const norm = (x: JaxArray, gain: JaxArray): JaxArray => {
    const square = numpy.mean(numpy.square(x.ref), -1, { keepdims: true });
    return x.div(numpy.sqrt(square.add(normEpsilon))).mul(gain);
  };
  return (p, tokens, targets) => {
    const oneHot = (ids: JaxArray): JaxArray => nn.oneHot(ids.reshape([rows]), vocabulary);
    const split = [task.batch, task.seqLen, heads, width / heads];
    const embedded = numpy.matmul(oneHot(tokens), p.embedding); // (B T, D)
    let x = embedded.reshape([task.batch, task.seqLen, width]).add(p.position)
      .reshape([rows, width]);
    for (let layer = 0; layer < layers; layer++) {
      const at = (name: string): JaxArray => p[`block${layer}/${name}`];
      const normed = norm(x.ref, at("attention_norm/gain"));
      const project = (name: string): JaxArray =>
        numpy.matmul(normed.ref, at(`${name}/weight`)).reshape(split);
      const [q, k, v] = ["query", "key", "value"].map(project);
      normed.dispose();
      const mixed = nn.dotProductAttention(q, k, v, { isCausal: true }).reshape([rows, width]);
      x = x.add(numpy.matmul(mixed, at("output/weight")));
      const wide = numpy.matmul(norm(x.ref, at("mlp_norm/gain")), at("mlp_in/weight"));
      x = x.add(numpy.matmul(nn.gelu(wide), at("mlp_out/weight")));
    }
    const features = norm(x, p["final_norm/gain"]);
    const logits = numpy.matmul(features, numpy.matrixTranspose(p.head));
    const chosen = nn.logSoftmax(logits, -1).mul(oneHot(targets));
    return numpy.sum(chosen).mul(-1 / rows);
  };
}

if (import.meta.main) await runPeer(open);
