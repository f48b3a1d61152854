import { UsageError } from "../errors.ts";

/** One point of a curve. */
export interface CurvePoint {
  /** When the value was taken, in updates; ascending along the curve. */
  readonly step: number;
  /** May be NaN or infinite, as after a divergence. */
  readonly value: number;
}

/**
 * When a curve first is at or below a target, in updates; null where it never is within its points.
 * points: (n), in ascending order of step.
 *
 * Between the last point above the target, (s0, v0), and the first that is not, (s1, v1), the curve counts as
 * straight: s0 + (s1 - s0) (v0 - target) / (v0 - v1). A curve that starts at or below the target is there at its first
 * step. Where the value before is not finite there is no line to draw, and s1 itself counts, the later end.
 *
 * @throws {UsageError} If the target is not finite, or the steps do not ascend
 *
 * @example Usage
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { firstCrossing } from "./first_crossing.ts";
 * const curve = [{ step: 0, value: 5 }, { step: 10, value: 4 }, { step: 20, value: 2 }];
 * assertEquals(firstCrossing(curve, { target: 3 }), 15);
 * assertEquals(firstCrossing(curve, { target: 1 }), null);
 * ```
 */
export function firstCrossing(
  points: readonly CurvePoint[],
  { target }: { readonly target: number },
): number | null {
  if (!Number.isFinite(target)) {
    throw new UsageError(
      `Cannot look for a target on a curve: expected a finite one, got "${target}"`,
    );
  }
  const late = points.findIndex(({ step }, i) => i > 0 && !(step > points[i - 1].step));
  if (late >= 0) {
    throw new UsageError(
      `Cannot look for a target on a curve: at points[${late}]: expected a step above ${
        points[late - 1].step
      }, got ${points[late].step}`,
    );
  }
  const at = points.findIndex(({ value }) => value <= target); // NaN is not
  if (at < 0) return null;
  const { step, value } = points[at];
  const before = points[at - 1];
  if (before === undefined || !Number.isFinite(before.value) || !Number.isFinite(value)) {
    return step;
  }
  return before.step + (step - before.step) * ((before.value - target) / (before.value - value));
}
