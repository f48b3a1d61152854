/** Which parameters and states the runs of a model function declare, and which states they give a value. */
import { HarnessError } from "../errors.ts";
import type { Tensor } from "./tensor.ts";

/** One run of a model function, those inside it included. */
interface Run {
  /** Whether an earlier run declared the same parameters and states. */
  readonly isAgain: boolean;
  readonly declared: Set<Tensor>;
  readonly carried: Set<Tensor>;
}

/** Tells a second declaration within one run, which is a mistake, from the same one in the next run. */
export class Declarations {
  #run: Run = { isAgain: false, declared: new Set(), carried: new Set() };

  /** The run that goes on declared a new tensor. */
  add(tensor: Tensor): void {
    this.#run.declared.add(tensor);
  }

  /**
   * The tensor that an earlier run declared under `path`, if there is one.
   *
   * @throws {HarnessError} If the run that goes on declared it
   */
  ofEarlierRun(
    list: readonly Tensor[],
    { what, path }: { readonly what: string; readonly path: string },
  ): Tensor | undefined {
    const known = list.find(({ label }) => label === path);
    if (!known) return undefined;
    if (!this.#run.isAgain || this.#run.declared.has(known)) {
      throw new HarnessError(`Cannot declare ${what} "${path}" twice`);
    }
    this.#run.declared.add(known);
    return known;
  }

  /** Whether the run that goes on gives the state its first value. */
  carry(state: Tensor): boolean {
    const isFirst = !this.#run.carried.has(state);
    this.#run.carried.add(state);
    return isFirst;
  }

  /** Runs `body` as a run of its own; for the run around it, what it declared is declared. */
  again<T>(body: () => T): T {
    const outer = this.#run;
    const inner: Run = { isAgain: true, declared: new Set(), carried: new Set() };
    this.#run = inner;
    try {
      return body();
    } finally {
      this.#run = outer;
      inner.declared.forEach((tensor) => outer.declared.add(tensor));
      inner.carried.forEach((tensor) => outer.carried.add(tensor));
    }
  }
}
