import { NumericError, UsageError } from "../errors.ts";
import { hilbertSchmidtNorm, traceNormBound } from "./birman_schwinger.ts";
import { conditionBound, conditionEstimate } from "./condition.ts";
import { lapGrowth, lapWeights } from "./lap.ts";
import { type EnergyWindow, mourreEstimate } from "./mourre.ts";
import { resolventDiagonal, type ResolventDirection } from "./resolvent.ts";
import { latticeHamiltonian, requireSpectralPoint, type SpectralPoint } from "./tridiagonal.ts";

/** Settings of {@linkcode birmanSchwingerCore}. */
export interface BirmanSchwingerOptions {
  /** Sites N of a sequence. */
  readonly nSeq: number;
  /**
   * Fixes the exponent s = 1/2 + epsilon > 1/2 of the weights <n - n0>^-s, in `useLap` and `lapFeatures`. It
   * enters nothing else: the resolvent needs no regularisation, since |G_ii| <= 1/eta.
   * @default {1}
   */
  readonly epsilon?: number;
  /**
   * Whether diagnostics hold a Mourre estimate.
   * @default {true}
   */
  readonly useMourre?: boolean;
  /**
   * Whether diagnostics hold the growth of the weighted resolvent; needs nSeq >= 16.
   * @default {true}
   */
  readonly useLap?: boolean;
  /**
   * Whether features are multiplied with the weights <n - n0>^-s.
   * @default {false}
   */
  readonly lapFeatures?: boolean;
  /**
   * `bidirectional` is the diagonal of (H - z)^-1, in which later tokens leak into earlier ones.
   * @default {"bidirectional"}
   */
  readonly direction?: ResolventDirection;
  /**
   * Energies of the Mourre estimate.
   * @default {[lambda - 1/2, lambda + 1/2]}
   */
  readonly mourreWindow?: EnergyWindow;
}

/** Features of a batch. */
export interface ResolventFeatures {
  /** B, N, 2. */
  readonly shape: readonly [number, number, 2];
  /** Real and imaginary part in turn, (B, N, 2) row by row. */
  readonly values: Float64Array;
}

/** What a batch says about itself; of several sequences the worst counts. Null: not asked for, or not defined. */
export interface BirmanSchwingerDiagnostics {
  /** Upper bound ||V||_1/eta of the trace norm ||K||_1, which has no O(N) formula. */
  readonly schatten_s1_bound: number | null;
  /** Hilbert-Schmidt norm ||K||_2, exact. */
  readonly schatten_s2: number | null;
  /** Upper bound (||H|| + |z|)/eta of the condition number of H - z. */
  readonly condition_bound: number | null;
  /** The condition number of H - z from below, by power iteration. */
  readonly condition_estimate: number | null;
  /** Whether the Mourre estimate holds with a positive margin. */
  readonly mourre_verified: boolean | null;
  /** The margin; usually negative for learned potentials. */
  readonly mourre_margin: number | null;
  /** Slope of the weighted resolvent's norm over 1/eta in logarithms: near 0 bounded, near 1 an eigenvalue. */
  readonly lap_growth_exponent: number | null;
  /** Whether potential and features are finite; if not, the other keys are null. */
  readonly all_finite: boolean;
}

/** The functions that {@linkcode birmanSchwingerCore} returns. They keep no state. */
export interface BirmanSchwingerCore {
  /**
   * v (B, N) row by row → features (B, N, 2), in f64.
   *
   * @throws {UsageError} If v is no whole number of sequences, or z is not above the real axis
   * @throws {NumericError} If a value is not finite
   */
  readonly evaluate: (v: ArrayLike<number>, z: SpectralPoint) => ResolventFeatures;
  /**
   * v (B, N) row by row → diagnostics, in O(B N).
   *
   * @throws {UsageError} If v is no whole number of sequences, or z is not above the real axis
   */
  readonly diagnostics: (v: ArrayLike<number>, z: SpectralPoint) => BirmanSchwingerDiagnostics;
}

/**
 * The resolvent of H = tridiag(1, -2, 1) + diag(v) as features, with the sizes of its Birman-Schwinger operator
 * K = U |V|^1/2 R0 |V|^1/2, its condition, a Mourre estimate and the limiting absorption principle beside it.
 * On the host in f64; the models compute the same features with the op `bk_core`.
 *
 * Source: docs/mathematics.md §4 (features) and §15.
 *
 * @throws {UsageError} If nSeq is no integer >= 1 (with `useLap`, >= 16), or epsilon is not positive
 *
 * @example Usage
 * ```ts
 * import { assert, assertEquals } from "@std/assert";
 * import { birmanSchwingerCore } from "./birman_schwinger_core.ts";
 * const core = birmanSchwingerCore({ nSeq: 16, epsilon: 1, useMourre: true, useLap: true });
 * const v = Float64Array.from({ length: 32 }, (_, n) => Math.sin(n));
 * const z = { lambda: 0, eta: 1 };
 * assertEquals(core.evaluate(v, z).shape, [2, 16, 2]);
 * const { condition_estimate, condition_bound, schatten_s2 } = core.diagnostics(v, z);
 * assert(schatten_s2! > 0 && condition_estimate! <= condition_bound!);
 * ```
 */
export function birmanSchwingerCore(options: BirmanSchwingerOptions): BirmanSchwingerCore {
  const { nSeq, epsilon = 1, useLap = true, lapFeatures = false } = options;
  const fewest = useLap ? 16 : 1;
  if (!(Number.isInteger(nSeq) && nSeq >= fewest)) {
    throw new UsageError(
      `Cannot make a Birman-Schwinger core: at nSeq: expected an integer >= ${fewest}, got "${nSeq}"`,
    );
  }
  if (!(epsilon > 0 && epsilon < Infinity)) {
    throw new UsageError(
      `Cannot make a Birman-Schwinger core: at epsilon: expected a finite number > 0, got "${epsilon}"`,
    );
  }
  const weights = lapFeatures ? lapWeights(nSeq, { exponent: 0.5 + epsilon }) : null;
  return {
    evaluate: (v, z) => {
      const sequences = sequencesOf(v, { nSeq, z });
      const values = new Float64Array(2 * v.length);
      sequences.forEach((sequence, b) => {
        values.set(
          featuresOf(sequence, { z, weights, direction: options.direction }),
          2 * b * nSeq,
        );
      });
      return { shape: [sequences.length, nSeq, 2], values };
    },
    diagnostics: (v, z) => {
      const each = sequencesOf(v, { nSeq, z }).map((sequence) =>
        sequenceDiagnostics(sequence, { z, options })
      );
      return each.reduce(worse);
    },
  };
}

function sequencesOf(
  v: ArrayLike<number>,
  { nSeq, z }: { readonly nSeq: number; readonly z: SpectralPoint },
): readonly Float64Array[] {
  requireSpectralPoint(z);
  if (v.length === 0 || v.length % nSeq !== 0) {
    throw new UsageError(
      `Cannot use a potential of ${v.length} values: expected whole sequences of ${nSeq}`,
    );
  }
  const all = Float64Array.from(v);
  return Array.from({ length: v.length / nSeq }, (_, b) => all.subarray(b * nSeq, (b + 1) * nSeq));
}

function featuresOf(sequence: Float64Array, { z, weights, direction }: {
  readonly z: SpectralPoint;
  readonly weights: Float64Array | null;
  readonly direction: ResolventDirection | undefined;
}): Float64Array {
  const h = latticeHamiltonian(sequence);
  const { re, im } = resolventDiagonal(h, direction === undefined ? { z } : { z, direction });
  const features = new Float64Array(2 * sequence.length);
  for (let n = 0; n < sequence.length; n++) {
    const weight = weights === null ? 1 : weights[n];
    features[2 * n] = weight * re[n];
    features[2 * n + 1] = weight * im[n];
  }
  const wrong = features.findIndex((value) => !Number.isFinite(value));
  if (wrong < 0) return features;
  throw new NumericError(
    `Cannot compute features: at site ${wrong >> 1}: expected a finite number, got ` +
      `"${features[wrong]}" from v = ${sequence[wrong >> 1]}, eta = ${z.eta}`,
  );
}

const UNDEFINED_DIAGNOSTICS: BirmanSchwingerDiagnostics = {
  schatten_s1_bound: null,
  schatten_s2: null,
  condition_bound: null,
  condition_estimate: null,
  mourre_verified: null,
  mourre_margin: null,
  lap_growth_exponent: null,
  all_finite: false,
};

function sequenceDiagnostics(sequence: Float64Array, { z, options }: {
  readonly z: SpectralPoint;
  readonly options: BirmanSchwingerOptions;
}): BirmanSchwingerDiagnostics {
  if (!sequence.every((value) => Number.isFinite(value))) return UNDEFINED_DIAGNOSTICS;
  const { epsilon = 1, useMourre = true, useLap = true } = options;
  const h = latticeHamiltonian(sequence);
  const { re, im } = resolventDiagonal(h, { z });
  const window = options.mourreWindow ?? { low: z.lambda - 0.5, high: z.lambda + 0.5 };
  const mourre = useMourre ? mourreEstimate(sequence, { window }) : null;
  const lap = useLap ? lapGrowth(sequence, { lambda: z.lambda, exponent: 0.5 + epsilon }) : null;
  return {
    schatten_s1_bound: traceNormBound(sequence, z),
    schatten_s2: hilbertSchmidtNorm(sequence, z),
    condition_bound: conditionBound(h, z),
    condition_estimate: conditionEstimate(h, z),
    mourre_verified: mourre?.verified ?? null,
    mourre_margin: mourre?.margin ?? null,
    lap_growth_exponent: lap?.exponent ?? null,
    all_finite: re.every((x, n) => Number.isFinite(x) && Number.isFinite(im[n])),
  };
}

/** Joins two sequences: largest norms and exponent, smallest margin, verified and finite only if both are. */
function worse(
  a: BirmanSchwingerDiagnostics,
  b: BirmanSchwingerDiagnostics,
): BirmanSchwingerDiagnostics {
  if (!a.all_finite || !b.all_finite) return UNDEFINED_DIAGNOSTICS;
  const join = (pick: (of: BirmanSchwingerDiagnostics) => number | null, sign: 1 | -1) => {
    const [x, y] = [pick(a), pick(b)];
    return x === null || y === null ? null : sign * Math.max(sign * x, sign * y);
  };
  return {
    schatten_s1_bound: join((of) => of.schatten_s1_bound, 1),
    schatten_s2: join((of) => of.schatten_s2, 1),
    condition_bound: join((of) => of.condition_bound, 1),
    condition_estimate: join((of) => of.condition_estimate, 1),
    mourre_verified: a.mourre_verified === null ? null : a.mourre_verified && b.mourre_verified,
    mourre_margin: join((of) => of.mourre_margin, -1),
    lap_growth_exponent: join((of) => of.lap_growth_exponent, 1),
    all_finite: true,
  };
}
