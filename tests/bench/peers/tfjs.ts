/**
 * TensorFlow.js in the side-by-side benchmark; the last argument is its backend, "webgpu" or "wasm".
 *
 * It has no jit: an update runs its ops one by one inside `tidy`, with its own Adam, whose epsilon and bias
 * correction stand where ours do. Decay of weights is one multiplication before it, which is AdamW.
 */
import { type OpenTool, runPeer, type TrainingTool } from "../run_protocol.ts";
import { type LoadedCase, valuesOf } from "../training_case.ts";

interface TfTensor {
  readonly data: () => Promise<Float32Array<ArrayBuffer>>;
  readonly dispose: () => void;
}
interface TfVariable extends TfTensor {
  readonly name: string;
  readonly assign: (value: TfTensor) => void;
}
type Gradients = { readonly [name: string]: TfTensor };

/** The part of the package that is used here; its own types would make every checkout install it. */
interface TfModule {
  readonly version_core: string;
  readonly setBackend: (name: string) => Promise<boolean>;
  readonly ready: () => Promise<void>;
  readonly enableProdMode: () => void;
  readonly tensor: (
    values: Float32Array | Int32Array,
    shape: readonly number[],
    dtype: string,
  ) => TfTensor;
  readonly variable: (initial: TfTensor, trainable: boolean, name: string) => TfVariable;
  readonly variableGrads: (
    f: () => TfTensor,
    variables: readonly TfVariable[],
  ) => { readonly value: TfTensor; readonly grads: Gradients };
  readonly train: {
    readonly adam: (
      rate: number,
      beta1: number,
      beta2: number,
      epsilon: number,
    ) => { readonly applyGradients: (gradients: Gradients) => void };
  };
  readonly tidy: <T>(f: () => T) => T;
  readonly keep: <T extends TfTensor>(x: T) => T;
  readonly dispose: (x: unknown) => void;
  readonly add: (a: TfTensor, b: TfTensor | number) => TfTensor;
  readonly mul: (a: TfTensor, b: TfTensor | number) => TfTensor;
  readonly sum: (x: TfTensor) => TfTensor;
  readonly mean: (x: TfTensor, axis: number, keepDims: boolean) => TfTensor;
  readonly square: (x: TfTensor) => TfTensor;
  readonly rsqrt: (x: TfTensor) => TfTensor;
  readonly tanh: (x: TfTensor) => TfTensor;
  readonly reshape: (x: TfTensor, shape: readonly number[]) => TfTensor;
  readonly transpose: (x: TfTensor, order: readonly number[]) => TfTensor;
  readonly softmax: (x: TfTensor) => TfTensor;
  readonly logSoftmax: (x: TfTensor) => TfTensor;
  readonly gather: (x: TfTensor, ids: TfTensor) => TfTensor;
  readonly oneHot: (ids: TfTensor, depth: number) => TfTensor;
  readonly matMul: (
    a: TfTensor,
    b: TfTensor,
    transposeA?: boolean,
    transposeB?: boolean,
  ) => TfTensor;
}

/** Names in deno.json next to this file; not literals, so that other configurations need not know them. */
const PACKAGE: string = "@tensorflow/tfjs"; // with the gradients, which tfjs-core alone has not
const BACKEND = "@tensorflow/tfjs-backend-";

async function open(task: LoadedCase, [name]: readonly string[]): Promise<OpenTool> {
  const tf: TfModule = await import(PACKAGE);
  const backend: { readonly getThreadsCount?: () => number } = await import(BACKEND + name);
  if (!await tf.setBackend(name)) throw new Error(`TensorFlow.js cannot start backend "${name}"`);
  await tf.ready();
  tf.enableProdMode();
  const adapter = name === "webgpu" ? await navigator.gpu.requestAdapter() : null;
  return {
    tool: toolOf(tf, task),
    facts: {
      version: tf.version_core,
      device: adapter
        ? `webgpu, ${adapter.info.description}`
        : `${name}, ${backend.getThreadsCount?.()} thread`,
    },
  };
}

function toolOf(tf: TfModule, task: LoadedCase): TrainingTool {
  const { learningRate, beta1, beta2, epsilon, weightDecay } = task.optimiser;
  const variables = task.parameters.map((parameter) => {
    const values = task.initial.slice(parameter.offset, parameter.offset + valuesOf(parameter));
    return tf.variable(tf.tensor(values, parameter.shape, "float32"), true, parameter.name);
  });
  const decayed = variables.filter((_, index) => task.parameters[index].decay);
  const lossOfBatch = lossOf(tf, task, new Map(variables.map((v) => [v.name, v])));
  const adam = tf.train.adam(learningRate, beta1, beta2, epsilon);
  const shrink = 1 - learningRate * weightDecay;
  let last: TfTensor | undefined;
  return {
    step: (index) => {
      const { tokens, targets } = task.batchOf(index);
      last?.dispose();
      last = tf.tidy(() => {
        const ids = (values: Int32Array): TfTensor => tf.tensor(values, [values.length], "int32");
        const [x, y] = [ids(tokens), ids(targets)];
        const { value, grads } = tf.variableGrads(() => lossOfBatch(x, y), variables);
        for (const variable of decayed) variable.assign(tf.mul(variable, shrink));
        adam.applyGradients(grads);
        return tf.keep(value);
      });
    },
    readLoss: async () => (await last!.data())[0],
    readParameters: async () => {
      const all = new Float32Array(task.initial.length);
      for (const [index, { offset }] of task.parameters.entries()) {
        all.set(await variables[index].data(), offset);
      }
      return all;
    },
    destroy: () => tf.dispose(variables),
  };
}

/** Mean cross-entropy of the model, in nats per token. */
function lossOf(
  tf: TfModule,
  task: LoadedCase,
  variables: ReadonlyMap<string, TfVariable>,
): (tokens: TfTensor, targets: TfTensor) => TfTensor {
  const { batch, seqLen } = task;
  const { width, heads, layers, vocabulary, normEpsilon } = task.model;
  const rows = batch * seqLen;
  const p = (name: string): TfVariable => {
    const found = variables.get(name);
    if (!found) throw new Error(`The case has no parameter "${name}"`);
    return found;
  };
  const norm = (x: TfTensor, gain: TfTensor): TfTensor =>
    tf.mul(tf.mul(x, tf.rsqrt(tf.add(tf.mean(tf.square(x), -1, true), normEpsilon))), gain);
  // Added to the scores: nothing below and on the diagonal, -1e9 above it.
  const mask = tf.tensor(
    Float32Array.from(
      { length: seqLen * seqLen },
      (_, i) => i % seqLen > Math.floor(i / seqLen) ? -1e9 : 0,
    ),
    [seqLen, seqLen],
    "float32",
  );
  const attention = (normed: TfTensor, at: (name: string) => TfVariable): TfTensor => {
    const [q, k, v] = ["query", "key", "value"].map((name) => {
      const projected = tf.matMul(normed, at(`${name}/weight`));
      return tf.transpose(tf.reshape(projected, [batch, seqLen, heads, width / heads]), [
        0,
        2,
        1,
        3,
      ]);
    });
    const scores = tf.mul(tf.matMul(q, k, false, true), 1 / Math.sqrt(width / heads));
    const mixed = tf.matMul(tf.softmax(tf.add(scores, mask)), v); // (B, H, T, D / H)
    return tf.reshape(tf.transpose(mixed, [0, 2, 1, 3]), [rows, width]);
  };
  return (tokens, targets) => {
    const embedded = tf.matMul(tf.oneHot(tokens, vocabulary), p("embedding"));
    let x = tf.reshape(
      tf.add(tf.reshape(embedded, [batch, seqLen, width]), p("position")),
      [rows, width],
    );
    for (let layer = 0; layer < layers; layer++) {
      const at = (name: string): TfVariable => p(`block${layer}/${name}`);
      const mixed = attention(norm(x, at("attention_norm/gain")), at);
      x = tf.add(x, tf.matMul(mixed, at("output/weight")));
      const wide = tf.matMul(norm(x, at("mlp_norm/gain")), at("mlp_in/weight"));
      x = tf.add(x, tf.matMul(gelu(tf, wide), at("mlp_out/weight")));
    }
    const features = norm(x, p("final_norm/gain"));
    const logits = tf.matMul(features, p("head"), false, true);
    const chosen = tf.mul(tf.logSoftmax(logits), tf.oneHot(targets, vocabulary));
    return tf.mul(tf.sum(chosen), -1 / rows);
  };
}

/** The tanh form; TensorFlow.js has no op for it. */
function gelu(tf: TfModule, x: TfTensor): TfTensor {
  const cubic = tf.add(x, tf.mul(tf.mul(tf.square(x), x), 0.044715));
  const gate = tf.add(tf.tanh(tf.mul(cubic, Math.sqrt(2 / Math.PI))), 1);
  return tf.mul(tf.mul(x, 0.5), gate);
}

if (import.meta.main) await runPeer(open);
