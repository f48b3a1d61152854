/** Arenas that a plan keeps in host memory, and the parts a step falls into because of them. */
import { sizeOf } from "../graph/shape.ts";
import type { ArenaName, OffloadedArena, Plan } from "../plan/plan.ts";
import type { Launch } from "./record_plan.ts";

/** Launches that are submitted together, after the arenas that begin there were uploaded. */
export interface StepPart {
  readonly launches: readonly Launch[];
  readonly arrivals: readonly OffloadedArena[];
}

/** Values of offloaded arenas between steps, zero at first. */
export class HostArenas {
  readonly #plan: Plan;
  readonly #values = new Map<ArenaName, Float32Array<ArrayBuffer>>();

  constructor(plan: Plan) {
    this.#plan = plan;
    for (const { arena, tensor } of plan.offloaded) {
      this.#values.set(arena, new Float32Array(sizeOf(plan.tensors[tensor].type.shape)));
    }
  }

  /** Sets an offloaded arena; false for one that lives on the device. */
  write(arena: ArenaName, values: Float32Array): boolean {
    const home = this.#values.get(arena);
    home?.set(values);
    return home !== undefined;
  }

  /** A copy of an offloaded arena; undefined for one that lives on the device. */
  read(arena: ArenaName): Float32Array | undefined {
    return this.#values.get(arena)?.slice();
  }

  /** One part for a plan without offloaded arenas; else cut where one is needed. */
  parts(launches: readonly Launch[]): readonly StepPart[] {
    const cuts = [...new Set(this.#plan.offloaded.map(({ first }) => first))].sort((a, b) => a - b);
    const bounds = [0, ...cuts, Infinity];
    return bounds.slice(0, -1).map((from, k) => ({
      launches: launches.filter(({ step }) => from <= step && step < bounds[k + 1]),
      arrivals: this.#plan.offloaded.filter(({ first }) => first === from),
    }));
  }

  /** Uploads the arenas that a part begins with. */
  bring(
    queue: GPUQueue,
    { part, buffer }: { readonly part: StepPart; readonly buffer: GPUBuffer },
  ): void {
    for (const { arena, tensor } of part.arrivals) {
      queue.writeBuffer(buffer, this.#plan.tensors[tensor].byteOffset, this.#values.get(arena)!);
    }
  }
}
