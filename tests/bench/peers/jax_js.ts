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
    f: (parameters: Tree, ids: JaxArray, targets: JaxArray) => JaxArray,
  ) => (parameters: Tree, ids: JaxArray, targets: JaxArray) => readonly [JaxArray, Tree];
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
  factors: JaxArray,
) => State;

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
      const factors = array(Float32Array.of(correction1, correction2), {
        shape: [2],
        dtype: "float32",
      });
      loss?.dispose();
      ({ loss, parameters, m, v } = update(parameters, m, v, ids(tokens), ids(targets), factors));
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
