/** Activations in half precision between the forward and the backward pass. docs/mathematics.md §11. */
import { sizeOf } from "../graph/shape.ts";
import type { Graph, Node, Tensor } from "../graph/tensor.ts";
import { op as fillOp } from "../ops/fill.ts";
import { packF16 } from "../ops/pack_f16.ts";
import { unpackF16 } from "../ops/unpack_f16.ts";
import { behindViews } from "./fuse.ts";

/** Numbers below which a tensor is not worth two launches; 16 KiB. */
const FEWEST = 4096;

/**
 * The values of a forward pass as the backward pass reads them: what is large and would wait in f32 is
 * packed once and unpacked where it is read. Made when the forward pass is traced and the backward pass is not.
 *
 * These stay f32: what a launch does not produce (parameters, inputs), constants, further outputs of an op
 * (statistics of rows, which end in exponents), what a recurrence reads or gives (`Op.keepsF32`), what
 * outlives the step, and what is still at hand when the backward pass begins.
 */
export class HalfStorage {
  readonly #packable: ReadonlySet<Tensor>;
  readonly #packed = new Map<Tensor, Tensor>();
  readonly #unpacked = new Map<Tensor, { readonly tensor: Tensor; turn: number }>();
  #turn = 0;

  constructor(graph: Graph) {
    this.#packable = packable(graph);
  }

  /** Says that the gradient of another op is traced now. One op further, a value is unpacked afresh. */
  next(): void {
    this.#turn++;
  }

  /** The value that the backward pass reads for `tensor`: all views of one tensor come from the same words. */
  read(tensor: Tensor): Tensor {
    const { tensor: root } = behindViews(tensor);
    if (!this.#packable.has(root)) return tensor;
    const known = this.#unpacked.get(tensor);
    // Neighbours share a copy; one that waited for a distant reader would be the f32 value kept after all.
    if (known && known.turn >= this.#turn - 1) {
      known.turn = this.#turn;
      return known.tensor;
    }
    const made = tensor.graph.scope(root.label, () => {
      const words = this.#packed.get(root) ?? packF16(root);
      this.#packed.set(root, words);
      return unpackF16(words, tensor.type.shape);
    });
    this.#unpacked.set(tensor, { tensor: made, turn: this.#turn });
    return made;
  }
}

/** Tensors, views looked through, whose f32 values need not wait for the backward pass. */
function packable(graph: Graph): ReadonlySet<Tensor> {
  const launched = graph.nodes.filter((node) => !node.op.view);
  const rootOf = (tensor: Tensor): Tensor => behindViews(tensor).tensor;
  const singles = new Set([
    ...[...graph.outputs.values(), ...graph.nextStates.values()].map(rootOf),
    ...launched.filter((node) => node.op.keepsF32)
      .flatMap((node) => [...node.inputs, ...node.outputs].map(rootOf)),
  ]);
  const lastReader = new Map<Tensor, number>();
  launched.forEach((node, step) =>
    node.inputs.forEach((tensor) => lastReader.set(rootOf(tensor), step))
  );
  const produced = producedFrom(launched);
  const candidates = launched.filter((node) => node.op !== (fillOp as unknown))
    .map((node) => node.outputs[0]).filter((tensor) => !singles.has(tensor));
  return new Set(candidates.filter((tensor) => {
    const size = sizeOf(tensor.type.shape);
    const last = lastReader.get(tensor);
    // Where the forward pass needs no more room after the last reader, packing frees none in time.
    return tensor.type.dtype === "f32" && size >= FEWEST && last !== undefined &&
      produced[last] >= size;
  }));
}

/** Numbers that the nodes from each position on produce. */
function producedFrom(nodes: readonly Node[]): readonly number[] {
  const sums = new Array<number>(nodes.length).fill(0);
  let total = 0;
  for (let step = nodes.length - 1; step >= 0; step--) {
    for (const { type } of nodes[step].outputs) total += sizeOf(type.shape);
    sums[step] = total;
  }
  return sums;
}
