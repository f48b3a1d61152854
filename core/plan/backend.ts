/** What runs a plan. A backend is chosen by the user, never as a fallback for another. */
import type { AdapterFacts } from "./adapter_facts.ts";
import type { ArenaName, Plan } from "./plan.ts";

/** Arenas that a program takes from the one whose parameters it uses; both plans lay them out alike. */
export const BORROWED_ARENAS: readonly ArenaName[] = ["param", "state"];

/** Values of a plan's inputs for one step, by name. */
export type StepInput = Readonly<Record<string, Float32Array | Int32Array>>;

/** What a backend says of itself, for records. */
export interface BackendFacts {
  /** Kind of backend. */
  readonly name: "webgpu" | "reference";
  /** Which set of tiles runs; "f64" or "f32" for the reference interpreter. */
  readonly preset: string;
  /** The adapter; null for the reference interpreter, which has none. */
  readonly adapter: AdapterFacts | null;
  /** Result of the numeric self-test, as recorded with every run. */
  readonly selfTest: Readonly<Record<string, number | string | boolean>>;
}

/** Something that can run plans. The owner calls `destroy`. */
export interface Backend {
  /** What it is and what its self-test gave. */
  readonly facts: BackendFacts;
  /**
   * Prepares a plan. With `parametersOf` the program uses that program's parameters and states, not its own.
   *
   * @throws {HarnessError} If that program is of another backend, or lays them out otherwise (`requireSameLayout`)
   */
  compile(plan: Plan, options?: { readonly parametersOf?: Program }): Promise<Program>;
  /** Gives the device back; programs of this backend cannot run afterwards. */
  destroy(): void;
}

/** A plan ready to run. The owner calls `destroy`. */
export interface Program {
  /** The plan it runs. */
  readonly plan: Plan;
  /** Overwrites a whole arena from its first byte. */
  write(arena: ArenaName, values: Float32Array): void;
  /**
   * Uploads the inputs and runs the step without waiting for it. With offloaded arenas it returns a promise,
   * which must be awaited before the next call.
   *
   * @throws {ShapeError} On a missing or mis-sized input
   */
  step(inputs: StepInput): void | Promise<void>;
  /** Values of one output, in f64 where the backend has them. */
  read(label: string): Promise<Float64Array>;
  /** Contents of several arenas after the steps so far; reading waits, so it is done rarely. */
  readArenas(names: readonly ArenaName[]): Promise<readonly Float32Array[]>;
  /** Frees the memory of its arenas, but not that of parameters borrowed with `parametersOf`. */
  destroy(): void;
}
