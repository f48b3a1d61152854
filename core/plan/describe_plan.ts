/** A plan in figures: what is launched, what it costs, what memory it takes. */
import { formatShape } from "../graph/shape.ts";
import type { ArenaName, Plan } from "./plan.ts";

/** One step of a plan in plain values. */
export interface StepDescription {
  readonly label: string;
  /** Name of the op; parts of a fused one are joined by "+". */
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly flops: number;
  readonly bytes: number;
  /** Arena, offset and length in bytes of each output. */
  readonly places: readonly {
    readonly arena: ArenaName;
    readonly offset: number;
    readonly bytes: number;
  }[];
}

/** The whole plan in plain values. */
export interface PlanDescription {
  readonly digest: string;
  readonly fusion: Plan["fusion"];
  readonly steps: readonly StepDescription[];
  readonly totals: {
    readonly steps: number;
    /** Steps that stand for more than one elementwise op. */
    readonly fusedGroups: number;
    /** Elementwise steps whose output takes an operand's memory. */
    readonly inPlace: number;
    readonly flops: number;
    /** Bytes read and written, every operand of every step counted once. */
    readonly bytesMoved: number;
    readonly arenaBytes: Plan["arenaBytes"];
    /** Bytes of all arenas together, which is all the device memory a program takes. */
    readonly allocatedBytes: number;
  };
}

/** Describes a plan from its shapes alone; no adapter is needed. */
export function describePlan(plan: Plan): PlanDescription {
  const steps = plan.steps.map(({ op, attributes, reads, writes, label }): StepDescription => {
    const before = reads.map((index) => plan.tensors[index]);
    const after = writes.map((index) => plan.tensors[index]);
    const site = {
      inputs: before.map((t) => t.type),
      outputs: after.map((t) => t.type),
      attributes,
    };
    return {
      label,
      op: op.name,
      inputs: before.map((tensor) => formatShape(tensor.type.shape)),
      outputs: after.map((tensor) => formatShape(tensor.type.shape)),
      ...op.cost(site),
      places: after.map(({ arena, byteOffset, byteLength }) => ({
        arena,
        offset: byteOffset,
        bytes: byteLength,
      })),
    };
  });
  const sum = (values: readonly number[]): number =>
    values.reduce((total, value) => total + value, 0);
  return {
    digest: plan.digest,
    fusion: plan.fusion,
    steps,
    totals: {
      steps: steps.length,
      fusedGroups: steps.filter((step) => step.op.includes("+")).length,
      inPlace: plan.steps.filter(({ op }) => op.expression && op.updates).length,
      flops: sum(steps.map((step) => step.flops)),
      bytesMoved: sum(steps.map((step) => step.bytes)),
      arenaBytes: plan.arenaBytes,
      allocatedBytes: sum(Object.values(plan.arenaBytes)),
    },
  };
}
