import { UsageError } from "../errors.ts";
import type { Comparison } from "./compare_arms.ts";
import { holm } from "./holm.ts";

/** What a test must have to be a member of a family. */
export type FamilyTest = Pick<Comparison, "pExact" | "floor">;

/** What a test has as a member of its family of hypotheses. */
export interface FamilyMember {
  /** pExact after Holm's adjustment over the family. */
  readonly pHolm: number;
  /** Number of hypotheses in the family, m. */
  readonly hypotheses: number;
  readonly alpha: number;
  /**
   * Whether these seeds, with their ties, could ever pass: with every test at its floor the adjusted value is at most
   * alpha. Where false, a large pHolm says nothing about the arms.
   */
  readonly feasible: boolean;
}

/** Options of {@linkcode compareFamily}. */
export interface FamilyOptions {
  /**
   * Chance of any false rejection in the family, inside (0, 1).
   * @default {0.05}
   */
  readonly alpha?: number;
}

/**
 * Adjusts the exact p-values of a family of m comparisons by Holm's method and states whether each
 * could pass at all: adjusted values do not fall where a p grows, so that the smallest possible one is that with every
 * test at its floor; floor * m where all floors are the same. comparisons: (m) → (m), in the same order. Every cell
 * and length tested is a member: m is what was looked at, not what is shown.
 *
 * Source: {@linkcode holm}; the floor is that of {@linkcode signFlipTest}.
 *
 * @throws {UsageError} If alpha is outside (0, 1)
 *
 * @example Usage
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { compareArms } from "./compare_arms.ts";
 * import { compareFamily } from "./compare_family.ts";
 * const armOf = (name: string, losses: readonly number[]) => ({
 *   name,
 *   values: losses.map((value, index) => ({ seed: 42 + index, value })),
 * });
 * const one = compareArms(armOf("bk", [2, 3, 4, 5, 6]), armOf("control", [1, 1, 1, 1, 1]));
 * const [member] = compareFamily([one, one]);
 * assertEquals(member.pHolm, 4 / 32);
 * assertEquals(member.feasible, false); // 5 seeds: floor 2 / 32, and 2 * 2 / 32 > 0.05
 * ```
 */
export function compareFamily<Test extends FamilyTest>(
  comparisons: readonly Test[],
  options: FamilyOptions = {},
): readonly (Test & FamilyMember)[] {
  const { alpha = 0.05 } = options;
  if (!(alpha > 0 && alpha < 1)) {
    throw new UsageError(
      `Cannot adjust a family of tests: expected alpha inside (0, 1), got "${alpha}"`,
    );
  }
  const hypotheses = comparisons.length;
  const adjusted = holm(comparisons.map(({ pExact }) => pExact));
  const least = holm(comparisons.map(({ floor }) => floor));
  return comparisons.map((comparison, index) => ({
    ...comparison,
    pHolm: adjusted[index],
    hypotheses,
    alpha,
    feasible: least[index] <= alpha,
  }));
}
