import { assert, assertEquals, assertThrows } from "@std/assert";
import { UsageError } from "../../../core/errors.ts";
import type { ModelInspection } from "../../../core/evaluate/inspect_model.ts";
import { phaseDifficulty } from "../../../core/evaluate/phase_difficulty.ts";
import { stream } from "../../../core/random/streams.ts";
import { uniform } from "../../../core/random/uniform.ts";

const FROM = stream(3, "phase_difficulty_test");
const N = 60;

/** Windows whose potential is drawn at random, and whose surprisal follows from it by `law`. */
function windows(law: (potential: number, draw: number) => number): readonly ModelInspection[] {
  return Array.from({ length: 12 }, (_, window) => {
    const draw = (index: number): number => uniform(FROM, { step: window, index });
    const potential = Float64Array.from({ length: N }, (_, i) => 2 * draw(i) - 1);
    const heads = [{
      potential,
      eta: Float64Array.of(1),
      coupling: new Float64Array(N - 1).fill(1),
      greenRe: new Float64Array(N),
      greenIm: new Float64Array(N),
      weights: [],
    }];
    return {
      layers: [{ place: "block0", heads, experts: null }],
      surprisal: Float64Array.from({ length: N - 1 }, (_, i) => law(potential[i], draw(N + i))),
    };
  });
}

const OPTIONS = { a: -2, from: stream(1, "resamples"), resamples: 200 };

Deno.test("phaseDifficulty() finds a surprisal that follows the potential, and not where it is shuffled", () => {
  // For eta = 1 the local phase grows with v, so the ranks agree but for what neighbours add.
  const [{ place, phase, shuffled }] = phaseDifficulty(windows((v) => v), OPTIONS);
  assertEquals(place, "block0");
  assert(phase.rho > 0.8 && phase.low > 0.75 && phase.low < phase.rho, `${phase.rho}`);
  assert(shuffled.low < 0 && shuffled.high > 0, `${shuffled.low} to ${shuffled.high}`);
});

Deno.test("phaseDifficulty() finds nothing where surprisal has nothing to do with the potential", () => {
  const [{ phase }] = phaseDifficulty(windows((_, draw) => draw), OPTIONS);
  assert(phase.low < 0 && phase.high > 0, `${phase.low} to ${phase.high}`);
});

Deno.test("phaseDifficulty() gives the same numbers again, and refuses a single window", () => {
  const some = windows((v) => v);
  assertEquals(phaseDifficulty(some, OPTIONS), phaseDifficulty(some, OPTIONS));
  assertThrows(() => phaseDifficulty(some.slice(0, 1), OPTIONS), UsageError, "two or more");
});
