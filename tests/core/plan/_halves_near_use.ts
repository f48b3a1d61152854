/** Where a plan packs and unpacks, for the tests of half-precision storage. */
import { assert } from "@std/assert";
import type { Plan } from "../../../core/plan/plan.ts";

export function countOf(plan: Plan, name: string): number {
  return plan.steps.filter(({ op }) => op.name === name).length;
}

/** Asserts that nothing but packs stands between a value and its pack, nothing but unpacks before a first reader. */
export function assertHalvesNearUse(plan: Plan): void {
  const { steps } = plan;
  steps.forEach(({ op, reads, writes, label }, index) => {
    if (op.name === "pack_f16") {
      const producer = steps.slice(0, index).findLast((step) => step.op.name !== "pack_f16");
      assert(producer?.writes.includes(reads[0]), `${label} is not behind its producer`);
    }
    if (op.name === "unpack_f16") {
      const reader = steps.slice(index + 1).find((step) => step.op.name !== "unpack_f16");
      const place = plan.tensors[writes[0]];
      const isRead = reader?.reads.some((read) => {
        const { arena, byteOffset } = plan.tensors[read];
        return arena === place.arena && byteOffset === place.byteOffset;
      });
      assert(isRead, `${label} is not before its reader, but before ${reader?.label}`);
    }
  });
}
