/**
 * From a traced graph to a plan: drops what nothing needs, orders the rest, and gives every tensor a place.
 */
import { HarnessError } from "../errors.ts";
import type { Graph, Node, Tensor } from "../graph/tensor.ts";
import { sha256Hex } from "../random/sha256.ts";
import { carryStates } from "./carry_states.ts";
import { arrangeNodes, storageRoots } from "./arrange_nodes.ts";
import { bytesOf } from "./bytes_of.ts";
import { ALL_FUSION, type FusionSet } from "./fuse.ts";
import { type Lifetime, place } from "./lifetimes.ts";
import { type Place, TensorTable } from "./tensor_table.ts";
import { layOutParameters, paddedBytes } from "./parameter_layout.ts";
import type { ArenaName, OffloadableArena, OffloadedArena, Plan, PlanStep } from "./plan.ts";

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

/** Plans one step of `graph`: all nodes that its outputs or arena updates depend on. */
export function compilePlan(graph: Graph, options: CompileOptions = {}): Plan {
  const { share = true, fusion = ALL_FUSION, gradients = new Map(), offload = [] } = options;
  carryStates(graph);
  const nodes = arrangeNodes(graph, { share, fusion, gradients });
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
  const states = graph.states.map((tensor) => {
    if (tensor.source.kind !== "state") throw new HarnessError(`"${tensor.label}" is no state`);
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
    states,
    inputs,
    outputs,
    arenaBytes,
    offloaded,
    fusion,
  };
  return { ...body, digest: digestOf(body) };
}

/** Places that do not depend on lifetimes: parameters, gradients, states, whole arenas, inputs. */
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
    state: 0,
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
  for (const tensor of graph.states) {
    places.set(tensor, { arena: "state", byteOffset: bytes.state });
    bytes.state += paddedBytes(tensor.type.shape);
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

function digestOf(plan: Omit<Plan, "digest">): string {
  return sha256Hex(JSON.stringify({
    tensors: plan.tensors,
    steps: plan.steps.map((step) => ({ ...step, op: step.op.name })),
    parameters: plan.parameters,
    states: plan.states,
    inputs: [...plan.inputs],
    outputs: [...plan.outputs],
    arenaBytes: plan.arenaBytes,
    offloaded: plan.offloaded,
    fusion: plan.fusion,
  }));
}
