/** From logits to a token: temperature, the k most probable, the smallest set of a given probability. */
import { NumericError, UsageError } from "../errors.ts";
import type { Position, Stream } from "../random/streams.ts";
import { uniform } from "../random/uniform.ts";

/** How a token is drawn. */
export interface SamplingSettings {
  /** Logits are divided by it; 0 takes the most probable token, ties to the smaller id. */
  readonly temperature: number;
  /** Draws among so many of the most probable tokens. @default all */
  readonly topK?: number;
  /** Draws among the fewest most probable tokens, of those that topK leaves, whose probability reaches it. @default 1 */
  readonly topP?: number;
}

/** Tokens that may be drawn, the most probable first, ties by id, and their probabilities, which sum to one. */
export interface TokenDistribution {
  readonly ids: Int32Array;
  readonly probabilities: Float64Array;
}

/**
 * Checks the settings before any model runs.
 *
 * @throws {UsageError} If the temperature is negative or not finite, topK no integer >= 1, or topP not in (0, 1]
 */
export function requireSampling({ temperature, topK, topP }: SamplingSettings): void {
  if (!(Number.isFinite(temperature) && temperature >= 0)) {
    throw settingError("temperature", "a finite number >= 0", temperature);
  }
  if (topK !== undefined && !(Number.isSafeInteger(topK) && topK >= 1)) {
    throw settingError("topK", "an integer >= 1", topK);
  }
  if (topP !== undefined && !(Number.isFinite(topP) && topP > 0 && topP <= 1)) {
    throw settingError("topP", "a number > 0 and <= 1", topP);
  }
}

/**
 * The distribution that a token is drawn from: softmax(logits / temperature), cut to topK, scaled to sum one,
 * cut to topP, scaled again. logits: (V).
 *
 * @throws {UsageError} On settings out of their range
 * @throws {NumericError} If a logit is not finite
 */
export function tokenDistribution(
  logits: ArrayLike<number>,
  settings: SamplingSettings,
): TokenDistribution {
  requireSampling(settings);
  requireFiniteLogits(logits);
  const { temperature, topK = logits.length, topP = 1 } = settings;
  // The sort is stable, so that ties stay in the order of ids.
  const ranked = Int32Array.from(logits, (_, id) => id).sort((a, b) => logits[b] - logits[a]);
  const ids = ranked.subarray(0, temperature === 0 ? 1 : topK);
  const largest = logits[ids[0]];
  const weights = Float64Array.from(
    ids,
    (id) => temperature === 0 ? 1 : Math.exp((logits[id] - largest) / temperature),
  );
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const kept = topP === 1 ? ids.length : countToReach(weights, topP * total);
  const mass = weights.subarray(0, kept).reduce((sum, weight) => sum + weight, 0);
  return {
    ids: ids.slice(0, kept),
    probabilities: weights.slice(0, kept).map((weight) => weight / mass),
  };
}

/**
 * Draws a token id; the uniform number is the one at the given position of the stream, so that the same seed
 * and logits give the same token. logits: (V).
 *
 * @throws {UsageError} On settings out of their range
 * @throws {NumericError} If a logit is not finite
 */
export function sampleToken(logits: ArrayLike<number>, options: {
  readonly sampling: SamplingSettings;
  readonly from: Stream;
  readonly at: Position;
}): number {
  const { ids, probabilities } = tokenDistribution(logits, options.sampling);
  const u = uniform(options.from, options.at);
  return ids[countToReach(probabilities, u) - 1];
}

/** How many of the first weights it takes until their sum is at least `mass`; all, if rounding never lets it. */
function countToReach(weights: Float64Array, mass: number): number {
  let sum = 0;
  for (let i = 0; i < weights.length; i++) {
    sum += weights[i];
    if (sum >= mass) return i + 1;
  }
  return weights.length;
}

function requireFiniteLogits(logits: ArrayLike<number>): void {
  if (logits.length === 0) throw new NumericError("Cannot draw a token: expected logits, got none");
  for (let id = 0; id < logits.length; id++) {
    if (Number.isFinite(logits[id])) continue;
    throw new NumericError(
      `Cannot draw a token: expected finite logits, got "${logits[id]}" for id ${id}; ` +
        "the model has diverged, generate from an earlier checkpoint",
    );
  }
}

function settingError(name: string, expected: string, got: number): UsageError {
  return new UsageError(`Cannot draw tokens: at ${name}: expected ${expected}, got "${got}"`);
}
