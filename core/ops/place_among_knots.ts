/** Where a value lies among quantiles, by definition: the reference of the routing by phase. docs/mathematics.md §6. */

/**
 * E F(phase) - 1/2 in [0, E - 1] for knots (2E - 1): half the levels of the knots that the phase has passed, and a
 * share of the step to the next; of several equal knots the middle counts.
 */
export function placeAmongKnots(phase: number, knots: ArrayLike<number>): number {
  const all = Array.from(knots);
  const below = all.filter((knot) => knot < phase).length;
  const equal = all.filter((knot) => knot === phase).length;
  if (equal > 0) return (below + (equal - 1) / 2) / 2;
  if (below === 0) return 0;
  if (below === all.length) return (all.length - 1) / 2;
  const share = (phase - all[below - 1]) / (all[below] - all[below - 1]);
  return (below - 1 + share) / 2;
}

/** Knots of E experts for trials, unevenly spaced, from about -2 to 2. */
export function trialKnots(experts: number): readonly number[] {
  return Array.from(
    { length: 2 * experts - 1 },
    (_, j) => Math.fround(2 * Math.sin((Math.PI * (j + 1 - experts)) / (2 * experts))),
  );
}
