/**
 * Symbolic tensors: what a traced model function passes around. A tensor has a type and a producer,
 * and no values; values exist only while a plan runs on a backend.
 */
import { HarnessError } from "../errors.ts";
import { Declarations } from "./declarations.ts";
import type { Attributes, Op } from "./op.ts";
import type { TensorType } from "./shape.ts";

/** First values of a parameter. `normal` draws from the stream "init/<name>" of the run's seed. */
export type InitialLaw =
  | { readonly kind: "normal"; readonly standardDeviation: number }
  | { readonly kind: "constant"; readonly value: number }
  | { readonly kind: "values"; readonly values: readonly number[] };

/** A trained tensor. `decay` says whether AdamW's weight decay applies to it. */
export interface ParameterSource {
  /** Marks this case. */
  readonly kind: "parameter";
  /** Place in the model, "block3/bk_core/potential". */
  readonly name: string;
  /** Law of its first values. */
  readonly initial: InitialLaw;
  /** Whether AdamW's weight decay applies to it. */
  readonly decay: boolean;
}
/** A tensor that the host uploads before every step. */
export interface InputSource {
  /** Marks this case. */
  readonly kind: "input";
  /** Name under which `Program.step` is given its values. */
  readonly name: string;
}
/** A tensor that keeps its value from one step to the next: running statistics, the state of a stream. */
export interface StateSource {
  /** Marks this case. */
  readonly kind: "state";
  /** Place in the model, "block3/bk_core/pivot". */
  readonly name: string;
  /** Its value before the first step. */
  readonly initial: number;
}
/** A whole memory area of the plan seen as one tensor, for the optimiser and the metric ring. */
export interface ArenaSource {
  /** Marks this case. */
  readonly kind: "arena";
  /** The memory area. */
  readonly arena: "param" | "grad" | "m" | "v" | "metric";
}
/** Output `index` of a node. */
export interface NodeSource {
  /** Marks this case. */
  readonly kind: "node";
  /** The application that produces it. */
  readonly node: Node;
  /** Which of the node's outputs it is. */
  readonly index: number;
}
/** Where a tensor comes from. */
export type Source = ParameterSource | InputSource | StateSource | ArenaSource | NodeSource;

/** A symbolic tensor of a trace: a type and a producer, no values. */
export interface Tensor {
  /** The trace it belongs to; tensors of two traces never mix. */
  readonly graph: Graph;
  /** Number in order of creation, unique in its graph. */
  readonly id: number;
  /** Shape and element type. */
  readonly type: TensorType;
  /** What produces it. */
  readonly source: Source;
  /** Path in the model, "block3/attention/softmax". */
  readonly label: string;
}

/** What an index of a probed tensor counts; `bond` is between a token and the next, `part` real or imaginary. */
export type ProbeAxis =
  | "batch"
  | "head"
  | "token"
  | "bond"
  | "part"
  | "row"
  | "choice"
  | "expert";

/** A tensor worth drawing. */
export interface Probe {
  /** Outermost scope, and whose states: "block3", "block3/second". */
  readonly place: string;
  /** What it is there. */
  readonly name: string;
  /** Its value. */
  readonly tensor: Tensor;
  /** What its indices count, outermost first. */
  readonly axes: readonly ProbeAxis[];
}

/** Nodes `first` to `end - 1` of a graph. */
export interface Segment {
  /** Scope of the labels inside. */
  readonly name: string;
  /** Index of its first node in `Graph.nodes`. */
  readonly first: number;
  /** Index after its last node; infinite while it is being traced. */
  readonly end: number;
}

/** One application of an op. */
export interface Node {
  /** Position in `Graph.nodes`. */
  readonly id: number;
  /** What is applied. */
  readonly op: Op;
  /** Settings of the application. */
  readonly attributes: Attributes;
  /** Operands, in the order of the op's signature. */
  readonly inputs: readonly Tensor[];
  /** Results, in the order of the op's signature. */
  readonly outputs: readonly Tensor[];
  /** Path in the model that ends in the op's name. */
  readonly label: string;
}

/** The trace of one step: grows while model functions run, never changes otherwise. */
export class Graph {
  /** Applications of ops, in the order of the trace, which is a valid order to run them in. */
  readonly nodes: Node[] = [];
  /** Trained tensors, in order of declaration. */
  readonly parameters: Tensor[] = [];
  /** Tensors that the host uploads before every step, in order of declaration. */
  readonly inputs: Tensor[] = [];
  /** Tensors that keep their value from step to step, in order of declaration. */
  readonly states: Tensor[] = [];
  /** What a state becomes when the step ends. */
  readonly nextStates = new Map<Tensor, Tensor>();
  /** Tensors that the host may read after a step, by label. */
  readonly outputs = new Map<string, Tensor>();
  /** Tensors worth drawing; they cost nothing unless they become outputs. */
  readonly probes: Probe[] = [];
  /** Stretches of the forward pass that the backward pass may compute again; they do not overlap. */
  readonly segments: Segment[] = [];
  #nextId = 0;
  #path: string[] = [];
  #statePath: string[] = [];
  #declarations = new Declarations();

  /** Declares a parameter. The name is its place in the model and names its initialisation stream. */
  parameter(
    name: string,
    options: { readonly type: TensorType; readonly initial: InitialLaw; readonly decay: boolean },
  ): Tensor {
    const path = [...this.#path, name].join("/");
    const known = this.#declarations.ofEarlierRun(this.parameters, { what: "parameter", path });
    if (known) return known;
    const { type, initial, decay } = options;
    const source: ParameterSource = { kind: "parameter", name: path, initial, decay };
    return this.#keep(this.parameters, type, source, path);
  }

  /** Declares a tensor that the host uploads before every step. */
  input(name: string, type: TensorType): Tensor {
    if (this.inputs.some((i) => i.label === name)) {
      throw new HarnessError(`Cannot declare input "${name}" twice`);
    }
    return this.#keep(this.inputs, type, { kind: "input", name }, name);
  }

  /** Declares a tensor that keeps its value from step to step; `carry` says what it becomes. */
  state(name: string, options: { readonly type: TensorType; readonly initial: number }): Tensor {
    const path = [...this.#path, ...this.#statePath, name].join("/");
    const known = this.#declarations.ofEarlierRun(this.states, { what: "state", path });
    if (known) return known;
    const { type, initial } = options;
    return this.#keep(this.states, type, { kind: "state", name: path, initial }, path);
  }

  /**
   * Gives a state a new value when the step ends; until then it has the old one everywhere. Of several runs of one
   * function (`withSameParameters`: micro-batches) the last one's value is kept.
   *
   * @throws {HarnessError} If the tensor is no state, or has a new value from the same run already
   */
  carry(state: Tensor, next: Tensor): void {
    if (state.source.kind !== "state") {
      throw new HarnessError(`Cannot carry a value in "${state.label}": it is no state`);
    }
    if (!this.#declarations.carry(state)) {
      throw new HarnessError(
        `Cannot carry "${next.label}" in state "${state.label}": it has another next value already`,
      );
    }
    this.nextStates.set(state, next);
  }

  /** What a state becomes by the runs traced so far; the state itself before the first of them. */
  carried(state: Tensor): Tensor {
    return this.nextStates.get(state) ?? state;
  }

  /** A whole arena as one flat tensor; its size must be the one the planner will give it. */
  arena(arena: ArenaSource["arena"], type: TensorType): Tensor {
    return this.#make(type, { kind: "arena", arena }, arena);
  }

  /** Lets the host read a tensor after a step under `label`. */
  output(label: string, tensor: Tensor): void {
    if (this.outputs.has(label)) throw new HarnessError(`Cannot declare output "${label}" twice`);
    this.outputs.set(label, tensor);
  }

  /** Shows a tensor to whoever draws models. */
  probe(name: string, tensor: Tensor, axes: readonly ProbeAxis[]): void {
    const place = [...this.#path.slice(0, 1), ...this.#statePath].join("/");
    this.probes.push({ place, name, tensor, axes });
  }

  /** Runs `body` with `name` appended to the path of all labels. */
  scope<T>(name: string, body: () => T): T {
    this.#path.push(name);
    try {
      return body();
    } finally {
      this.#path.pop();
    }
  }

  /**
   * Runs `body` with the parameters and states that are there already: declaring one again returns it. Within one
   * run a second declaration is refused, as it is outside.
   */
  withSameParameters<T>(body: () => T): T {
    return this.#declarations.again(body);
  }

  /** Traces `body` again with the same parameters, but with states of its own, named apart by `name`. */
  withOwnStates<T>(name: string, body: () => T): T {
    this.#statePath.push(name);
    try {
      return this.withSameParameters(body);
    } finally {
      this.#statePath.pop();
    }
  }

  /**
   * A scope whose inner values may be dropped after the forward pass and computed again for the backward
   * pass (activation checkpointing). Segments may not be nested.
   */
  segment<T>(name: string, body: () => T): T {
    const first = this.nodes.length;
    const last = this.segments.at(-1);
    if (last && last.end > first) {
      throw new HarnessError(`Cannot nest segment "${name}" in "${last.name}"`);
    }
    const index = this.segments.push({ name, first, end: Infinity }) - 1;
    try {
      return this.scope(name, body);
    } finally {
      this.segments[index] = { name, first, end: this.nodes.length };
    }
  }

  /** Records one application of an op. Called by `apply` alone. */
  record(op: Op, inputs: readonly Tensor[], options: {
    readonly attributes: Attributes;
    readonly types: readonly TensorType[];
  }): readonly Tensor[] {
    const label = [...this.#path, op.name].join("/");
    const outputs: Tensor[] = [];
    const node: Node = {
      id: this.nodes.length,
      op,
      attributes: options.attributes,
      inputs,
      outputs,
      label,
    };
    options.types.forEach((type, index) => {
      outputs.push(this.#make(type, { kind: "node", node, index }, label));
    });
    this.nodes.push(node);
    return outputs;
  }

  #make(type: TensorType, source: Source, label: string): Tensor {
    return { graph: this, id: this.#nextId++, type, source, label };
  }

  #keep(list: Tensor[], type: TensorType, source: Source, label: string): Tensor {
    const tensor = this.#make(type, source, label);
    list.push(tensor);
    this.#declarations.add(tensor);
    return tensor;
  }
}
