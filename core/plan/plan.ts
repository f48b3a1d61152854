/** What a backend runs: ops in order and a place in memory for every tensor. Plain data, no adapter in it. */
import type { Attributes, Op } from "../graph/op.ts";
import type { TensorType } from "../graph/shape.ts";
import type { InitialLaw } from "../graph/tensor.ts";
import type { FusionSet } from "./fuse.ts";

/**
 * Memory areas. `param`, `grad`, `m` and `v` share one layout, so that the optimiser is one kernel over all
 * of it; `state` keeps what one step leaves to the next; `io` is uploaded before every step; `metric` is the
 * ring that the host reads now and then.
 */
export const ARENAS = [
  "param",
  "grad",
  "m",
  "v",
  "state",
  "activation",
  "io",
  "metric",
] as const;
/** Name of a memory area. */
export type ArenaName = typeof ARENAS[number];

/** Offsets are multiples of this many bytes, the alignment WebGPU demands of a storage binding. */
export const ALIGNMENT = 256;

/** A tensor and its place in memory. */
export interface PlacedTensor {
  /** Index of this entry in `Plan.tensors`. */
  readonly id: number;
  /** Shape and element type. */
  readonly type: TensorType;
  /** Path in the model. */
  readonly label: string;
  /** Memory area it lies in. */
  readonly arena: ArenaName;
  /** Offset in the arena in bytes, a multiple of 256. */
  readonly byteOffset: number;
  /** At least 16, also for a tensor without elements, since an empty binding is invalid. */
  readonly byteLength: number;
  /** First and last step at which the bytes must hold, inclusive. */
  readonly born: number;
  /** Last step at which the bytes must hold, inclusive. */
  readonly dies: number;
}

/** One application of an op. Numbers are indices into `Plan.tensors`. */
export interface PlanStep {
  /** What is applied. */
  readonly op: Op;
  /** Settings of the application. */
  readonly attributes: Attributes;
  /** Tensors read, in the order of the op's inputs. */
  readonly reads: readonly number[];
  /** Tensors written, in the order of the op's outputs. */
  readonly writes: readonly number[];
  /** Workspace tensors, in the order of the op's `scratch`. */
  readonly scratch: readonly number[];
  /** Path in the model, "block3/bk_core/bk_core_vjp". */
  readonly label: string;
}

/** An arena whose home is host memory: it is on the device from step `first` to step `last` alone. */
export interface OffloadedArena {
  /** Its name. */
  readonly arena: OffloadableArena;
  /** Index of its place in the arena `activation`, which other tensors have before and after. */
  readonly tensor: number;
  /** Index of the first step that uses it. */
  readonly first: number;
  /** Index of the last step during which its place is its own. */
  readonly last: number;
}

/** Arenas that may be kept in host memory: those that the optimiser alone reads. */
export type OffloadableArena = "m" | "v";

/** A parameter of the model and how it starts. */
export interface PlannedParameter {
  /** Place in the model; names the stream of its first values. */
  readonly name: string;
  /** Index into `Plan.tensors`. */
  readonly tensor: number;
  /** Law of its first values. */
  readonly initial: InitialLaw;
}

/** A tensor that keeps its value from step to step and how it starts. */
export interface PlannedState {
  /** Place in the model. */
  readonly name: string;
  /** Index into `Plan.tensors`. */
  readonly tensor: number;
  /** Its value before the first step. */
  readonly initial: number;
}

/** One step of a training or evaluation graph, ready for any backend. */
export interface Plan {
  /** Every tensor that has a place; other fields hold indices into this list. */
  readonly tensors: readonly PlacedTensor[];
  /** Launches in the order in which they run. */
  readonly steps: readonly PlanStep[];
  /** Trained tensors in order of declaration. */
  readonly parameters: readonly PlannedParameter[];
  /** Tensors that keep their value from step to step, in order of declaration. */
  readonly states: readonly PlannedState[];
  /** Inputs that the host uploads before a step, by name. */
  readonly inputs: ReadonlyMap<string, number>;
  /** Tensors that the host may read after a step, by label. */
  readonly outputs: ReadonlyMap<string, number>;
  /** Size of each memory area in bytes. */
  readonly arenaBytes: Readonly<Record<ArenaName, number>>;
  /** Arenas kept in host memory between steps; empty in most plans. */
  readonly offloaded: readonly OffloadedArena[];
  /** Which fusion rules were on. */
  readonly fusion: FusionSet;
  /** SHA-256 of the canonical text of all the above, ops by name. */
  readonly digest: string;
}
