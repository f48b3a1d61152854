import { NumericError } from "../errors.ts";
import type { BatchShape } from "../models/model.ts";
import type { Program } from "../plan/backend.ts";
import { bits, stream } from "../random/streams.ts";

/** What changing the tokens from one position on did to logits that must not depend on them. */
export interface Probe {
  /** Position of the first changed token, 1..N-1; 0 where N is 1. */
  readonly position: number;
  /** Earlier logits of its sequence of which any bit changed. */
  readonly changed: number;
  /** Largest absolute change of them; 0 where none changed. */
  readonly largestChange: number;
}

export interface PerturbOptions {
  readonly shape: BatchShape;
  readonly vocabularySize: number;
  /** C, logits per position that the program gives. */
  readonly classes: number;
}

/** Positions that are probed at least, where there are as many. */
const FEWEST_PROBES = 16;
/** Forward passes that a batch with room for more probes may take. */
const PASSES = 4;

/**
 * Changes one token and all that follow it, from another position in each sequence, and compares all logits before
 * it, bit for bit. A position p shows every leak from p or later into what stands before p, so short sequences, of
 * which every position is probed, hide none that these tokens and these parameters give; of long ones a leak over
 * fewer tokens than lie between two probed positions may be missed. What is the same in both runs cannot show.
 *
 * @param program Input tokens (B, N), output "logits" (B N, C), as `logitsPlan` makes it
 * @throws {NumericError} If a logit is not finite, or no change of a token changes any logit: then nothing can leak
 * visibly
 */
export async function perturbTokens(
  program: Program,
  options: PerturbOptions,
): Promise<readonly Probe[]> {
  const { shape: { batch, seqLen }, classes } = options;
  const tokens = probeTokens(options);
  const others = otherTokens(tokens, options);
  const before = await logitsOf(program, tokens);
  const positions = probedPositions({ batch, seqLen });
  const probes: Probe[] = [];
  let isAlive = false;
  for (let first = 0; first < positions.length; first += batch) {
    const here = positions.slice(first, first + batch);
    const changed = tokens.slice();
    for (const [row, position] of here.entries()) {
      const [from, to] = [row * seqLen + position, (row + 1) * seqLen];
      changed.set(others.subarray(from, to), from);
    }
    const after = await logitsOf(program, changed);
    for (const [row, position] of here.entries()) {
      const span = [row * seqLen, row * seqLen + position].map((index) => index * classes);
      probes.push({ position, ...changesOf({ before, after }, { from: span[0], to: span[1] }) });
    }
    isAlive ||= changesOf({ before, after }, { from: 0, to: before.length }).changed > 0;
  }
  if (isAlive) return probes;
  throw new NumericError(
    `Cannot audit causality: changing tokens at ${positions.length} of ${seqLen} positions changed no logit at all; ` +
      "expected some, since a leak could not show either",
  );
}

/**
 * Positions from which tokens are changed, ascending: all but the first, before which there is nothing, where four
 * batches hold them or they are sixteen at most. Else the second, two neighbours in the middle and the last, and one
 * from each of as many equal parts as there is room for, drawn from a stream of its own.
 */
export function probedPositions({ batch, seqLen }: BatchShape): readonly number[] {
  if (seqLen === 1) return [0];
  const count = Math.min(seqLen - 1, Math.max(FEWEST_PROBES, PASSES * batch));
  if (count === seqLen - 1) return Array.from({ length: count }, (_, i) => i + 1);
  const middle = Math.floor(seqLen / 2);
  const always = [1, middle, middle + 1, seqLen - 1];
  const others = Array.from({ length: seqLen - 1 }, (_, i) => i + 1)
    .filter((position) => !always.includes(position));
  const from = stream(0, "leak_audit/positions");
  const parts = count - always.length;
  const drawn = Array.from({ length: parts }, (_, part) => {
    const [first, end] = [part, part + 1].map((k) => Math.floor(k * others.length / parts));
    return others[first + bits(from, { step: seqLen, index: part }) % (end - first)];
  });
  return [...always, ...drawn].sort((a, b) => a - b);
}

/** Token ids that depend on nothing but the sizes, (B, N). */
function probeTokens({ shape, vocabularySize }: PerturbOptions): Int32Array {
  const from = stream(0, "leak_audit/tokens");
  return Int32Array.from(
    { length: shape.batch * shape.seqLen },
    (_, index) => bits(from, { step: 0, index }) % vocabularySize,
  );
}

/** Another id for each token. */
function otherTokens(tokens: Int32Array, { vocabularySize }: PerturbOptions): Int32Array {
  const from = stream(0, "leak_audit/changes");
  const others = Math.max(1, vocabularySize - 1);
  return tokens.map((id, index) =>
    (id + 1 + bits(from, { step: 0, index }) % others) % vocabularySize
  );
}

async function logitsOf(program: Program, tokens: Int32Array): Promise<Float64Array> {
  await program.step({ tokens });
  const logits = await program.read("logits");
  const bad = logits.findIndex((value) => !Number.isFinite(value));
  if (bad < 0) return logits;
  throw new NumericError(
    `Cannot audit causality: logit ${bad} is ${
      logits[bad]
    }, expected finite logits; NaN hides every change`,
  );
}

function changesOf(
  { before, after }: { readonly before: Float64Array; readonly after: Float64Array },
  { from, to }: { readonly from: number; readonly to: number },
): Pick<Probe, "changed" | "largestChange"> {
  let changed = 0;
  let largestChange = 0;
  for (let index = from; index < to; index++) {
    if (Object.is(before[index], after[index])) continue;
    changed++;
    largestChange = Math.max(largestChange, Math.abs(after[index] - before[index]));
  }
  return { changed, largestChange };
}
