/**
 * From a traced graph to a plan: drops what nothing needs, orders the rest, and gives every tensor a place.
 */
import { HarnessError } from "../errors.ts";
import { BYTES_PER_ELEMENT, sizeOf, type TensorType } from "../graph/shape.ts";
import type { Graph, Node, Tensor } from "../graph/tensor.ts";
import { sha256Hex } from "../random/sha256.ts";
import { ALL_FUSION, fuseChains, type FusionSet } from "./fuse.ts";
import { fuseTails } from "./fuse_tails.ts";
import { takeOperandMemory } from "./in_place.ts";
import { type Lifetime, place } from "./lifetimes.ts";
import { layOutParameters, paddedBytes } from "./parameter_layout.ts";
import { separateOperands } from "./separate_operands.ts";
import type {
  ArenaName,
  OffloadableArena,
  OffloadedArena,
  PlacedTensor,
  Plan,
  PlanStep,
} from "./plan.ts";

/** Settings of the planner. */
export interface CompileOptions {
  /** Gradient of each parameter; its last op writes straight into the arena `grad`. */
  readonly gradients?: ReadonlyMap<Tensor, Tensor>;
  /** Gives dead tensors' memory to later ones. Off, every tensor has its own. @default true */
  readonly share?: boolean;
  /** Which rules may join launches and memory. @default all */
  readonly fusion?: FusionSet;
  /** Arenas kept in host memory between their uses: less device memory, more time, the same bits. @default none */
  readonly offload?: readonly OffloadableArena[];
}

interface Place {
  readonly arena: ArenaName;
  readonly byteOffset: number;
}

/** Plans one step of `graph`: all nodes that its outputs or arena updates depend on. */
export function compilePlan(graph: Graph, options: CompileOptions = {}): Plan {
  const { share = true, fusion = ALL_FUSION, gradients = new Map(), offload = [] } = options;
  const nodes = arrange(graph, { share, fusion, gradients });
  const roots = storageRoots(nodes);
  const fixed = fixedPlaces(graph, { nodes, roots, gradients, offload });
  const launched = nodes.filter((node) => !node.op.view);
  const table = new TensorTable();
  const scratch = launched.map((node) =>
    node.op.scratch?.({
      inputs: node.inputs.map((t) => t.type),
      outputs: node.outputs.map((t) => t.type),
      attributes: node.attributes,
    }) ?? []
  );
  const lives = lifetimesOf(launched, { graph, roots, fixed: fixed.places });
  scratch.forEach((types, step) =>
    types.forEach((type) => lives.push({ life: { bytes: bytesOf(type), born: step, dies: step } }))
  );
  const placement = place(lives.map((entry) => entry.life), { share });
  const placeOf = new Map<Tensor, Place>(fixed.places);
  lives.forEach((entry, index) => {
    if (entry.root) {
      placeOf.set(entry.root, { arena: "activation", byteOffset: placement.offsets[index] });
    }
  });
  const lifeOf = new Map(
    lives.flatMap((entry) => entry.root ? [[entry.root, entry.life] as const] : []),
  );
  const indexOf = (tensor: Tensor): number => {
    const root = roots.get(tensor) ?? tensor;
    const at = placeOf.get(root);
    if (!at) throw new HarnessError(`Cannot place tensor "${tensor.label}": nothing produces it`);
    const life = lifeOf.get(root) ?? { born: 0, dies: launched.length };
    return table.add(tensor, { ...at, ...life });
  };
  let nextScratch = lives.length - scratch.flat().length;
  const steps = launched.map((node, step): PlanStep => ({
    op: node.op,
    attributes: node.attributes,
    label: node.label,
    reads: node.inputs.map(indexOf),
    writes: node.outputs.map(indexOf),
    scratch: scratch[step].map((type, k) =>
      table.addScratch(type, {
        label: `${node.label}/scratch${k}`,
        byteOffset: placement.offsets[nextScratch++],
        step,
      })
    ),
  }));
  const parameters = graph.parameters.map((tensor) => {
    if (tensor.source.kind !== "parameter") {
      throw new HarnessError(`"${tensor.label}" is no parameter`);
    }
    return { name: tensor.label, tensor: indexOf(tensor), initial: tensor.source.initial };
  });
  const inputs = new Map(graph.inputs.map((tensor) => [tensor.label, indexOf(tensor)]));
  const outputs = new Map([...graph.outputs].map(([label, tensor]) => [label, indexOf(tensor)]));
  const arenaBytes = { ...fixed.bytes, activation: placement.bytes };
  const offloaded = [...lifeOf].flatMap(([root, { born, dies }]): OffloadedArena[] =>
    root.source.kind === "arena" && isOffloadable(root.source.arena)
      ? [{ arena: root.source.arena, tensor: indexOf(root), first: born, last: dies }]
      : []
  );
  const body = {
    tensors: table.tensors,
    steps,
    parameters,
    inputs,
    outputs,
    arenaBytes,
    offloaded,
    fusion,
  };
  return { ...body, digest: digestOf(body) };
}

/** The nodes to launch, in order: live ones, fused, outputs in their operands' memory where that is safe. */
function arrange(
  graph: Graph,
  options: Required<Pick<CompileOptions, "share" | "fusion" | "gradients">>,
): readonly Node[] {
  const { share, fusion, gradients } = options;
  const kept = new Set<Tensor>([...graph.outputs.values(), ...gradients.values()]);
  let nodes = liveNodes(graph.nodes, kept);
  if (fusion.chains) nodes = liveNodes(fuseChains(nodes, kept), kept);
  if (fusion.tails) nodes = fuseTails(nodes, kept);
  const roots = storageRoots(nodes);
  const rootOf = (tensor: Tensor): Tensor => roots.get(tensor) ?? tensor;
  nodes = separateOperands(nodes, rootOf);
  if (!fusion.inPlace || !share) return nodes;
  return takeOperandMemory(nodes, { rootOf, fixed: new Set([...kept].map(rootOf)) });
}

/** Nodes that a kept tensor or an arena update depends on, in order. */
function liveNodes(nodes: readonly Node[], kept: ReadonlySet<Tensor>): readonly Node[] {
  const wanted = new Set(kept);
  const live: Node[] = [];
  for (const node of [...nodes].reverse()) {
    if (!node.op.updates && !node.outputs.some((tensor) => wanted.has(tensor))) continue;
    node.inputs.forEach((tensor) => wanted.add(tensor));
    live.push(node);
  }
  return live.reverse();
}

/** Tensors that share another's bytes: views share their input's, updated outputs that of what they update. */
function storageRoots(nodes: readonly Node[]): ReadonlyMap<Tensor, Tensor> {
  const roots = new Map<Tensor, Tensor>();
  for (const node of nodes) {
    const shared: Readonly<Record<number, number>> = node.op.view
      ? { 0: 0 }
      : node.op.updates ?? {};
    for (const [output, input] of Object.entries(shared)) {
      const source = node.inputs[input];
      roots.set(node.outputs[Number(output)], roots.get(source) ?? source);
    }
  }
  return roots;
}

/** Places that do not depend on lifetimes: parameters, gradients, whole arenas, inputs. */
function fixedPlaces(graph: Graph, options: {
  readonly nodes: readonly Node[];
  readonly roots: ReadonlyMap<Tensor, Tensor>;
  readonly gradients: ReadonlyMap<Tensor, Tensor>;
  readonly offload: readonly OffloadableArena[];
}): { readonly places: ReadonlyMap<Tensor, Place>; readonly bytes: Record<ArenaName, number> } {
  const places = new Map<Tensor, Place>();
  const layout = layOutParameters(graph.parameters);
  const bytes: Record<ArenaName, number> = {
    param: layout.bytes,
    grad: 0,
    m: 0,
    v: 0,
    activation: 0,
    io: 0,
    metric: 0,
  };
  for (const [tensor, byteOffset] of layout.offsets) {
    places.set(tensor, { arena: "param", byteOffset });
  }
  for (const [parameter, gradient] of options.gradients) {
    const root = options.roots.get(gradient) ?? gradient;
    if (places.has(root) || root.source.kind !== "node") {
      throw new HarnessError(
        `Cannot place the gradient of "${parameter.label}": its tensor has another place`,
      );
    }
    places.set(root, { arena: "grad", byteOffset: layout.offsets.get(parameter)! });
    bytes.grad = layout.bytes;
  }
  for (const tensor of graph.inputs) {
    places.set(tensor, { arena: "io", byteOffset: bytes.io });
    bytes.io += paddedBytes(tensor.type.shape);
  }
  for (const tensor of new Set(options.nodes.flatMap((node) => node.inputs))) {
    if (tensor.source.kind !== "arena") continue;
    const { arena } = tensor.source;
    if (isOffloadable(arena) && options.offload.includes(arena)) continue;
    places.set(tensor, { arena, byteOffset: 0 });
    bytes[arena] = Math.max(bytes[arena], bytesOf(tensor.type));
  }
  return { places, bytes };
}

function isOffloadable(arena: ArenaName): arena is OffloadableArena {
  return arena === "m" || arena === "v";
}

function bytesOf(type: TensorType): number {
  return Math.max(16, Math.ceil((sizeOf(type.shape) * BYTES_PER_ELEMENT) / 16) * 16);
}

interface Entry {
  readonly life: Lifetime;
  /** Absent for scratch. */
  readonly root?: Tensor;
}

/** Life of every tensor without a fixed place: from its producer to its last reader, outputs to the end. */
function lifetimesOf(launched: readonly Node[], options: {
  readonly graph: Graph;
  readonly roots: ReadonlyMap<Tensor, Tensor>;
  readonly fixed: ReadonlyMap<Tensor, Place>;
}): Entry[] {
  const lives = new Map<Tensor, { bytes: number; born: number; dies: number }>();
  const rootOf = (tensor: Tensor): Tensor => options.roots.get(tensor) ?? tensor;
  launched.forEach((node, step) => {
    for (const tensor of node.inputs) {
      const life = lives.get(rootOf(tensor));
      if (life) life.dies = step;
    }
    for (const tensor of node.outputs) {
      const root = rootOf(tensor);
      if (options.fixed.has(root) || lives.has(root)) continue;
      lives.set(root, { bytes: bytesOf(root.type), born: step, dies: step });
    }
  });
  for (const tensor of options.graph.outputs.values()) {
    const life = lives.get(rootOf(tensor));
    if (life) life.dies = launched.length;
  }
  for (const [root, life] of lives) {
    // An offloaded arena is read back when the step is over, so its place stays its own until then.
    if (root.source.kind === "arena") life.dies = launched.length - 1;
  }
  return [...lives].map(([root, life]) => ({ root, life }));
}

/** Collects placed tensors, each once. */
class TensorTable {
  readonly tensors: PlacedTensor[] = [];
  readonly #indices = new Map<Tensor, number>();

  add(tensor: Tensor, at: Place & { readonly born: number; readonly dies: number }): number {
    const known = this.#indices.get(tensor);
    if (known !== undefined) return known;
    const { arena, byteOffset, born, dies } = at;
    const { type, label } = tensor;
    const id = this.tensors.length;
    this.tensors.push({
      id,
      type,
      label,
      arena,
      byteOffset,
      byteLength: bytesOf(type),
      born,
      dies,
    });
    this.#indices.set(tensor, id);
    return id;
  }

  addScratch(
    type: TensorType,
    at: { readonly label: string; readonly byteOffset: number; readonly step: number },
  ): number {
    const { label, byteOffset, step } = at;
    const id = this.tensors.length;
    const byteLength = bytesOf(type);
    this.tensors.push({
      id,
      type,
      label,
      arena: "activation",
      byteOffset,
      byteLength,
      born: step,
      dies: step,
    });
    return id;
  }
}

function digestOf(plan: Omit<Plan, "digest">): string {
  return sha256Hex(JSON.stringify({
    tensors: plan.tensors,
    steps: plan.steps.map((step) => ({ ...step, op: step.op.name })),
    parameters: plan.parameters,
    inputs: [...plan.inputs],
    outputs: [...plan.outputs],
    arenaBytes: plan.arenaBytes,
    offloaded: plan.offloaded,
    fusion: plan.fusion,
  }));
}
