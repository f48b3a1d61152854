/** The contract of an operation: everything the engine knows about it stands in one object. */
import type { Expression } from "./expression.ts";
import type { Indexing, TensorType } from "./shape.ts";
import type { Tensor } from "./tensor.ts";

/** Settings of one application: plain scalars, so that they can be hashed and given on a command line. */
export type Attributes = Readonly<Record<string, number | string | boolean>>;

/** Which set of tiles a WebGPU lowering uses. The order of every sum is the same in both. */
export type Preset = "gpu" | "software-adapter";

/** How a lowering cuts its launches. */
export interface LaunchLimits {
  /**
   * Bytes of one binding above which an op that can be cut takes several launches, a multiple of 256. Cuts
   * change no order of summation.
   *
   * @default 64 MiB, half of what every adapter can bind
   */
  readonly maxBindingBytes?: number;
}

/** Types and settings at one application. */
export interface Site<A extends Attributes = Attributes> {
  /** Types of the operands. */
  readonly inputs: readonly TensorType[];
  /** Types that `infer` gave for the results. */
  readonly outputs: readonly TensorType[];
  /** Settings. */
  readonly attributes: A;
}

/** Marks an input that has no gradient, such as token ids. */
export const stopped = Symbol("stopped");

/** One application seen from the backward pass. */
export interface VjpSite<A extends Attributes = Attributes> {
  /** Operands of the forward application. */
  readonly inputs: readonly Tensor[];
  /** Results of the forward application, at hand for the backward pass. */
  readonly outputs: readonly Tensor[];
  /** Cotangent of each output; `undefined` where no later value depends on that output. */
  readonly cotangents: readonly (Tensor | undefined)[];
  /** Whether the gradient of each input is wanted. What is not wanted need not be computed. */
  readonly needs: readonly boolean[];
  /** Settings of the forward application. */
  readonly attributes: A;
}

/** A tensor of the site by its role, optionally only `byteLength` bytes from `byteOffset` (a multiple of 256). */
export interface Binding {
  /** Which list of the site `index` counts in. */
  readonly role: "input" | "output" | "scratch";
  /** Position in that list. */
  readonly index: number;
  /** First byte that is bound, a multiple of 256. @default 0 */
  readonly byteOffset?: number;
  /** Number of bytes that are bound. @default the whole tensor */
  readonly byteLength?: number;
}

export function input(index: number): Binding {
  return { role: "input", index };
}
export function output(index: number): Binding {
  return { role: "output", index };
}
export function scratch(index: number): Binding {
  return { role: "scratch", index };
}

/**
 * One kernel launch. Every entry point takes a linear workgroup index from (group.y * groups.x + group.x),
 * so the recorder may fold any number of workgroups into two dimensions.
 */
export interface Dispatch {
  /** WGSL source. */
  readonly source: string;
  /** Name of the shader for messages and profiles. */
  readonly shader: string;
  /** Function of the shader that is launched. */
  readonly entryPoint: string;
  /** Values of the shader's `override` constants: shapes and tiles. */
  readonly overrides: Readonly<Record<string, number>>;
  /** Storage bindings 0, 1, … of group 0. */
  readonly bindings: readonly Binding[];
  /** Number of workgroups in one dimension, folded by the recorder. */
  readonly workgroups: number;
}

/** Arithmetic operations and bytes moved by one application, each tensor counted once. */
export interface Cost {
  /** Additions and multiplications, each counted as one. */
  readonly flops: number;
  /** Bytes of all operands and results. */
  readonly bytes: number;
}

/** An input or output of an op, for messages and for `deno task op`. */
export interface Port {
  /** Name in case files and messages. */
  readonly name: string;
  /** Shape and meaning. */
  readonly doc: string;
  /** A value that may be left out in a case file, or given there as a plain number or list under `params`. */
  readonly optional?: number;
  /** Smallest value for which the op is defined. */
  readonly minimum?: number;
  /** The op is defined for values above this one only. */
  readonly above?: number;
}

/** A setting of an op, for `deno task op`. */
export interface ParameterDoc {
  /** Value when a case file leaves it out; without one it must be given. */
  readonly default?: number | string | boolean;
  /** All values allowed, for settings with a closed choice. */
  readonly choices?: readonly string[];
  /** Meaning. */
  readonly doc: string;
}

/** What users of `deno task op` see of an op. */
export interface Signature<A extends Attributes = Attributes> {
  /** What the op computes, in one line. */
  readonly doc: string;
  /** Operands in order. */
  readonly inputs: readonly Port[];
  /** Results in order. */
  readonly outputs: readonly Port[];
  /** Settings by name. */
  readonly params: { readonly [K in keyof A]: ParameterDoc };
}

/** Values for one input of a trial: a law over its elements, seeded per trial. */
export interface TrialInput {
  /** Shape and element type of the operand. */
  readonly type: TensorType;
  /**
   * `normal`: standard normal; `positive`: uniform on [0.05, 2]; `awkward`: normal mixed with -0, 1e-6,
   * equal and large values; a list: these values; a function: value from (flat index, uniform (0, 1) draw).
   */
  readonly law:
    | "normal"
    | "positive"
    | "awkward"
    | readonly number[]
    | ((index: number, draw: number) => number);
}

/** One case of the test loop over all ops. */
export interface Trial<A extends Attributes = Attributes> {
  /** What is special about the case. */
  readonly name: string;
  /** Operands in order. */
  readonly inputs: readonly TrialInput[];
  /** Settings. */
  readonly attributes: A;
  /** Largest |adapter - reference| per output, relative to the output's largest magnitude. State why. */
  readonly tolerance: number;
  /** The same for gradients; `false` where the op has no gradient at all. */
  readonly gradientTolerance: number | false;
}

/** An elementwise formula that an op applies to its output 0 before it stores it. */
export interface Tail {
  /** Name of the formula, for labels. */
  readonly name: string;
  /** Argument 0 is the op's own value, argument k > 0 is appended input k - 1. */
  readonly expression: Expression;
  /** How each appended input is read by flat output index. */
  readonly indexings: readonly Indexing[];
  /** Type of what is stored; as many elements as the op's own output. */
  readonly output: TensorType;
}

/** One operation. Arrays are row-major. */
export interface Op<A extends Attributes = Attributes> {
  /** For people, labels and digests. Nothing dispatches on it. */
  readonly name: string;
  /** What users of `deno task op` see. */
  readonly signature: Signature<A>;
  /** Types of the outputs. @throws {ShapeError} Naming the shapes and the rule broken */
  infer(inputs: readonly TensorType[], attributes: A): readonly TensorType[];
  /** Cotangents of the inputs, written in ops. Absent: the op cannot be differentiated, asking is an error. */
  vjp?(site: VjpSite<A>): readonly (Tensor | typeof stopped)[];
  /** Definition in f64, from the formula, slow and plain; it must not mirror the shader's algorithm. */
  reference(
    site: Site<A>,
    values: { readonly inputs: readonly Float64Array[]; readonly outputs: readonly Float64Array[] },
  ): void;
  /** Workspace from shapes alone, so that no adapter can change an order of summation. */
  scratch?(site: Site<A>): readonly TensorType[];
  /** Outputs that overwrite an input: output index to input index. */
  readonly updates?: Readonly<Record<number, number>>;
  /** Output 0 is input 0 under another shape: both get one place in memory and nothing is launched. */
  readonly view?: boolean;
  /**
   * The backward pass reads operands and results of this op in f32 also where activations are stored in half
   * precision: the state of a recurrence carries an error from position to position.
   */
  readonly keepsF32?: boolean;
  /** Set on elementwise ops alone: the formula, from which lowering and gradient come. */
  readonly expression?: Expression;
  /** Set on elementwise ops that the planner made: how each operand is read by flat output index. */
  readonly indexings?: readonly Indexing[];
  /** This op with a tail, its further inputs appended; `undefined` where the formula cannot be taken in. */
  withTail?(tail: Tail): Op | undefined;
  /** How each kind of backend runs it. */
  readonly lower: {
    webgpu(site: Site<A>, preset: Preset, limits?: LaunchLimits): readonly Dispatch[];
  };
  /**
   * Most loop rounds that one invocation may take, for ops whose loops grow with sizes. Software adapters
   * built on llvmpipe end loops without a word after 65,535 of them, so such plans are refused there.
   */
  rounds?(site: Site<A>): number;
  /** Arithmetic and bytes moved, for budgets and for the profile. */
  cost(site: Site<A>): Cost;
  /** Cases of the test loop over all ops, awkward sizes among them. */
  readonly trials: readonly Trial<A>[];
}
