/** Whether a program may use the parameters and states of another. */
import { HarnessError } from "../errors.ts";
import { formatShape } from "../graph/shape.ts";
import type { Plan } from "./plan.ts";

/**
 * Checks that both plans have the same parameters and states at the same places, so that `borrower` finds in the
 * arenas of `owner` what it expects there.
 *
 * @throws {HarnessError} If they do not; the message names the first difference
 */
export function requireSameLayout(owner: Plan, borrower: Plan): void {
  for (const kind of ["parameters", "states"] as const) {
    const [has, wants] = [owner, borrower].map((plan) => entriesOf(plan, kind));
    const length = Math.max(has.length, wants.length);
    const at = Array.from({ length }, (_, k) => k).find((k) => has[k] !== wants[k]);
    if (at === undefined) continue;
    throw new HarnessError(
      `Cannot share parameters and states: the programs differ at number ${at} of their ${kind}, which is ` +
        `${has[at] ?? "absent"} in the owner and ${wants[at] ?? "absent"} in the borrower; ` +
        "declare the same ones in the same order in both graphs",
    );
  }
}

/** Name, place and type of each, in order of declaration. */
function entriesOf(plan: Plan, kind: "parameters" | "states"): readonly string[] {
  return plan[kind].map(({ name, tensor }) => {
    const { byteOffset, type: { shape, dtype } } = plan.tensors[tensor];
    return `"${name}" ${formatShape(shape)} ${dtype} at byte ${byteOffset}`;
  });
}
