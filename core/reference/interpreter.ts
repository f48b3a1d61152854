/**
 * Runs a plan on the CPU from the ops' definitions, in f64, or in f32 by rounding whatever is stored.
 * It uses the plan's own memory layout, so a mistaken lifetime shows here as well.
 */
import { HarnessError } from "../errors.ts";
import type { Site } from "../graph/op.ts";
import { BYTES_PER_ELEMENT, sizeOf } from "../graph/shape.ts";
import { type Backend, BORROWED_ARENAS, type Program, type StepInput } from "../plan/backend.ts";
import { type ArenaName, ARENAS, type PlacedTensor, type Plan } from "../plan/plan.ts";
import { requireSameLayout } from "../plan/require_same_layout.ts";
import { placeInputs } from "../plan/step_input.ts";

/** Arithmetic of the interpreter. */
export type ReferencePrecision = "f64" | "f32";

/** The reference backend: slow, exact, needs no adapter. */
export function referenceBackend(options: { readonly precision: ReferencePrecision }): Backend {
  return {
    facts: { name: "reference", preset: options.precision, adapter: null, selfTest: {} },
    compile: (plan, { parametersOf } = {}) => {
      if (parametersOf && !(parametersOf instanceof Interpretation)) {
        throw new HarnessError("Cannot share parameters with a program of another backend");
      }
      if (parametersOf) requireSameLayout(parametersOf.plan, plan);
      return Promise.resolve(new Interpretation(plan, { ...options, parametersOf }));
    },
    destroy: () => {},
  };
}

class Interpretation implements Program {
  readonly plan: Plan;
  readonly arenas: Record<ArenaName, Float64Array>;
  readonly #single: boolean;
  /** Arenas that a plan keeps in host memory; here they only move within it. */
  readonly #home = new Map<ArenaName, Float64Array>();

  constructor(plan: Plan, options: {
    readonly precision: ReferencePrecision;
    readonly parametersOf?: Interpretation | undefined;
  }) {
    this.plan = plan;
    this.#single = options.precision === "f32";
    const arenas = ARENAS.map((name) =>
      [name, new Float64Array(plan.arenaBytes[name] / BYTES_PER_ELEMENT)] as const
    );
    this.arenas = Object.fromEntries(arenas) as Record<ArenaName, Float64Array>;
    const { parametersOf } = options;
    if (parametersOf) {
      BORROWED_ARENAS.forEach((name) => this.arenas[name] = parametersOf.arenas[name]);
    }
    for (const { arena, tensor } of plan.offloaded) {
      this.#home.set(arena, new Float64Array(sizeOf(plan.tensors[tensor].type.shape)));
    }
  }

  write(arena: ArenaName, values: Float32Array): void {
    (this.#home.get(arena) ?? this.arenas[arena]).set(values);
  }

  step(inputs: StepInput): void {
    for (const { tensor, values } of placeInputs(this.plan, inputs)) this.#view(tensor).set(values);
    this.plan.steps.forEach(({ op, attributes, reads, writes }, index) => {
      this.#bring(index);
      const before = reads.map((index) => this.plan.tensors[index]);
      const after = writes.map((index) => this.plan.tensors[index]);
      const site: Site = {
        inputs: before.map((t) => t.type),
        outputs: after.map((t) => t.type),
        attributes,
      };
      const outputs = after.map((tensor) => new Float64Array(sizeOf(tensor.type.shape)));
      op.reference(site, { inputs: before.map((tensor) => this.#view(tensor)), outputs });
      after.forEach((tensor, k) => this.#store(tensor, outputs[k]));
      this.#takeHome(index);
    });
  }

  #bring(step: number): void {
    for (const { arena, tensor, first } of this.plan.offloaded) {
      if (first === step) this.#view(this.plan.tensors[tensor]).set(this.#home.get(arena)!);
    }
  }

  #takeHome(step: number): void {
    for (const { arena, tensor, last } of this.plan.offloaded) {
      if (last === step) this.#home.get(arena)!.set(this.#view(this.plan.tensors[tensor]));
    }
  }

  read(label: string): Promise<Float64Array> {
    const index = this.plan.outputs.get(label);
    if (index === undefined) {
      const error = new HarnessError(`Cannot read "${label}": the plan has no such output`);
      return Promise.reject(error);
    }
    return Promise.resolve(this.#view(this.plan.tensors[index]).slice());
  }

  readArenas(names: readonly ArenaName[]): Promise<readonly Float32Array[]> {
    return Promise.resolve(
      names.map((name) => Float32Array.from(this.#home.get(name) ?? this.arenas[name])),
    );
  }

  destroy(): void {}

  #view(tensor: PlacedTensor): Float64Array {
    const first = tensor.byteOffset / BYTES_PER_ELEMENT;
    return this.arenas[tensor.arena].subarray(first, first + sizeOf(tensor.type.shape));
  }

  #store(tensor: PlacedTensor, values: Float64Array): void {
    const rounded = this.#single && tensor.type.dtype === "f32" ? values.map(Math.fround) : values;
    this.#view(tensor).set(rounded);
  }
}
