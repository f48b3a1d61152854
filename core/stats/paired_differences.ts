import { NumericError, UsageError } from "../errors.ts";

/** The endpoint of one run: a value, in nats for a loss, and the seed it came from. */
export interface SeedValue {
  /** Integer that names the run and its pair in the other arm. */
  readonly seed: number;
  /** Finite endpoint of the run. */
  readonly value: number;
}

/** Name of an arm, and one value per seed in any order. */
export interface Arm {
  /** Name for tables and messages. */
  readonly name: string;
  /** One entry per seed. */
  readonly values: readonly SeedValue[];
}

/** Two arms joined by seed; every array is (n), in ascending order of seed. */
export interface PairedDifferences {
  /** Seeds that both arms have. */
  readonly seeds: readonly number[];
  /** Values of arm A. */
  readonly valuesA: readonly number[];
  /** Values of arm B. */
  readonly valuesB: readonly number[];
  /** valuesA[i] - valuesB[i]: negative where arm A has the lower value. */
  readonly differences: readonly number[];
}

/**
 * Joins two arms by seed and subtracts: d_s = a_s - b_s. A seed is never dropped: both arms must have
 * the same seeds, each once.
 *
 * Source: the randomised block design of Fisher 1935, The Design of Experiments, chapter III, with the
 * seed (data order) as block.
 *
 * @throws {UsageError} If an arm is empty, repeats a seed, or lacks a seed of the other arm
 * @throws {NumericError} If a value or a difference is not finite, as after a divergence
 *
 * @example Usage
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { pairedDifferences } from "./paired_differences.ts";
 * const a = { name: "a", values: [{ seed: 43, value: 2.5 }, { seed: 42, value: 2 }] };
 * const b = { name: "b", values: [{ seed: 42, value: 3 }, { seed: 43, value: 3 }] };
 * assertEquals(pairedDifferences(a, b).seeds, [42, 43]);
 * assertEquals(pairedDifferences(a, b).differences, [-1, -0.5]);
 * ```
 */
export function pairedDifferences(a: Arm, b: Arm): PairedDifferences {
  const bySeedA = valuesBySeed(a);
  const bySeedB = valuesBySeed(b);
  requireSeeds(bySeedB, { of: a, in: b });
  requireSeeds(bySeedA, { of: b, in: a });
  const seeds = [...bySeedA.keys()].sort((left, right) => left - right);
  const valuesA = seeds.map((seed) => bySeedA.get(seed)!);
  const valuesB = seeds.map((seed) => bySeedB.get(seed)!);
  const differences = seeds.map((seed, index) => {
    const difference = valuesA[index] - valuesB[index];
    if (Number.isFinite(difference)) return difference;
    throw new NumericError(
      `Cannot compare arms "${a.name}" and "${b.name}" at seed ${seed}: expected a finite ` +
        `difference, got "${difference}" from ${valuesA[index]} and ${valuesB[index]}`,
    );
  });
  return { seeds, valuesA, valuesB, differences };
}

function valuesBySeed(arm: Arm): ReadonlyMap<number, number> {
  if (arm.values.length === 0) {
    throw new UsageError(`Cannot compare arm "${arm.name}": expected at least one seed, got none`);
  }
  const bySeed = new Map<number, number>();
  for (const { seed, value } of arm.values) {
    if (!Number.isSafeInteger(seed)) {
      throw new UsageError(
        `Cannot compare arm "${arm.name}": expected an integer seed, got "${seed}"`,
      );
    }
    if (bySeed.has(seed)) {
      throw new UsageError(
        `Cannot compare arm "${arm.name}": expected one value per seed, got seed ${seed} twice`,
      );
    }
    if (!Number.isFinite(value)) {
      throw new NumericError(
        `Cannot compare arm "${arm.name}" at seed ${seed}: expected a finite value, got "${value}"; ` +
          "a diverged run needs a value by a declared rule, and its seed is never dropped",
      );
    }
    bySeed.set(seed, value);
  }
  return bySeed;
}

function requireSeeds(
  present: ReadonlyMap<number, number>,
  arms: { readonly of: Arm; readonly in: Arm },
): void {
  const missing = arms.of.values.map(({ seed }) => seed).filter((seed) => !present.has(seed));
  if (missing.length === 0) return;
  throw new UsageError(
    `Cannot pair arms "${arms.of.name}" and "${arms.in.name}": expected the same seeds in both, ` +
      `got no value in "${arms.in.name}" for seed ${missing.sort((x, y) => x - y).join(", ")}; ` +
      "finish the missing runs",
  );
}
