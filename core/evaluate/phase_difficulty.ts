/**
 * Whether the scattering phase of a token says how hard the next one is: rank correlation of both over held-out
 * text, beside the same with the potential shuffled. docs/mathematics.md §6.
 */
import { uniform } from "../random/uniform.ts";
import { permutation } from "../random/permutation.ts";
import type { Stream } from "../random/streams.ts";
import { leftPivots } from "../spectral/resolvent.ts";
import { tridiagonal } from "../spectral/tridiagonal.ts";
import { spearman } from "../stats/spearman.ts";
import { UsageError } from "../errors.ts";
import type { HeadInspection, ModelInspection } from "./inspect_model.ts";

/** A correlation with its bootstrap interval over windows. */
export interface Correlation {
  readonly rho: number;
  /** Percentiles of the windows resampled with replacement. */
  readonly low: number;
  readonly high: number;
}

/** Result of one layer. */
export interface LayerDifficulty {
  /** "block0" */
  readonly place: string;
  /** Phase of token i with -ln P(token i + 1). */
  readonly phase: Correlation;
  /** The same with the potential permuted within each window: what position alone gives. */
  readonly shuffled: Correlation;
}

export interface PhaseDifficultyOptions {
  /** Constant part of the diagonal. */
  readonly a: number;
  /** Random permutations and resamples; the same stream gives the same result. */
  readonly from: Stream;
  /** Coverage of the intervals. @default 0.95 */
  readonly level?: number;
  /** @default 1000 */
  readonly resamples?: number;
}

/**
 * One result per layer of windows of equal model; each window is an independent piece of text.
 *
 * @throws {UsageError} If there are fewer than two windows
 * @throws {NumericError} If all phases are equal, as for v = 0
 */
export function phaseDifficulty(
  windows: readonly ModelInspection[],
  options: PhaseDifficultyOptions,
): readonly LayerDifficulty[] {
  if (windows.length < 2) {
    throw new UsageError(`Cannot resample ${windows.length} windows: expected two or more`);
  }
  const hardness = windows.map(({ surprisal }) => [...surprisal]);
  return windows[0].layers.map(({ place }, layer) => {
    const phases = (shuffled: boolean): readonly number[][] =>
      windows.map(({ layers }, index) =>
        meanPhase(layers[layer].heads, {
          a: options.a,
          count: hardness[index].length,
          order: (n) => shuffled ? permutation(options.from, index, n) : undefined,
        })
      );
    return {
      place,
      phase: correlation(phases(false), { hardness, options }),
      shuffled: correlation(phases(true), { hardness, options }),
    };
  });
}

/** arg(-L_i) - arg(-L0_i) for the first `count` tokens, mean over the heads, in f64. */
function meanPhase(heads: readonly HeadInspection[], at: {
  readonly a: number;
  readonly count: number;
  readonly order: (n: number) => Uint32Array | undefined;
}): number[] {
  const total = new Array<number>(at.count).fill(0);
  for (const { potential, eta, coupling } of heads) {
    const order = at.order(potential.length);
    const v = order ? potential.map((_, i) => potential[order[i]]) : potential;
    const [angle, free] = [v, v.map(() => 0)].map((values) =>
      pivotAngles(values, { ...at, eta, coupling })
    );
    for (let i = 0; i < at.count; i++) total[i] += (angle[i] - free[i]) / heads.length;
  }
  return total;
}

/** arg(-1/g_i), in (0, pi). */
function pivotAngles(v: Float64Array, { a, eta, coupling }: {
  readonly a: number;
  readonly eta: Float64Array;
  readonly coupling: Float64Array;
}): Float64Array {
  const bond = coupling.map(Math.sqrt);
  const h = tridiagonal({ diagonal: v.map((value) => a + value), upper: bond, lower: bond });
  const g = leftPivots(h, { lambda: 0, eta: eta[0] });
  return g.re.map((re, i) => Math.atan2(g.im[i], -re));
}

function correlation(phases: readonly number[][], { hardness, options }: {
  readonly hardness: readonly number[][];
  readonly options: PhaseDifficultyOptions;
}): Correlation {
  const { from, level = 0.95, resamples = 1000 } = options;
  const over = (chosen: readonly number[]): number =>
    spearman(chosen.flatMap((w) => phases[w]), chosen.flatMap((w) => hardness[w]));
  const count = phases.length;
  const rhos = Array.from({ length: resamples }, (_, resample) =>
    over(
      Array.from(
        { length: count },
        (_, index) => Math.floor(count * uniform(from, { step: resample + count, index })),
      ),
    )).sort((x, y) => x - y);
  const at = (share: number): number =>
    rhos[Math.min(resamples - 1, Math.floor(share * resamples))];
  return {
    rho: over(phases.map((_, w) => w)),
    low: at((1 - level) / 2),
    high: at((1 + level) / 2),
  };
}
