import { NumericError } from "../errors.ts";
import type { BatchShape } from "../models/model.ts";
import type { Program } from "../plan/backend.ts";
import { bits, stream } from "../random/streams.ts";

/** What changing one token did to logits that must not depend on it. */
export interface Probe {
  /** Position of the changed token, 0..N-1. */
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

/**
 * Changes one token of each sequence at a time and compares all logits before it, bit for bit. The positions are
 * the second, the last and two neighbours in the middle: of two neighbours at least one is no start of a pooled
 * group. The probe is relative to one program; what is the same in both runs cannot show.
 *
 * @param program Input tokens (B, N), output "logits" (B N, C), as `logitsPlan` makes it
 * @throws {NumericError} If a logit is not finite, or no change of a token changes any logit: then nothing can leak
 * visibly
 */
export async function perturbTokens(
  program: Program,
  options: PerturbOptions,
): Promise<readonly Probe[]> {
  const { shape: { batch, seqLen }, vocabularySize, classes } = options;
  const tokens = probeTokens(options);
  const before = await logitsOf(program, tokens);
  const positions = probedPositions(seqLen);
  const probes: Probe[] = [];
  let isAlive = false;
  for (let first = 0; first < positions.length; first += batch) {
    const here = positions.slice(first, first + batch);
    const changed = tokens.slice();
    for (const [row, position] of here.entries()) {
      const at = row * seqLen + position;
      changed[at] = (changed[at] + 1) % vocabularySize;
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
    `Cannot audit causality: changing tokens at ${
      positions.join(", ")
    } of ${seqLen} changed no logit at all; ` +
      "expected some, since a leak could not show either",
  );
}

/** Positions that are changed in sequences of N tokens, ascending. */
export function probedPositions(seqLen: number): readonly number[] {
  const middle = Math.floor(seqLen / 2);
  const wanted = [Math.min(1, seqLen - 1), middle, Math.min(middle + 1, seqLen - 1), seqLen - 1];
  return [...new Set(wanted)].sort((a, b) => a - b);
}

/** Token ids that depend on nothing but the sizes, (B, N). */
function probeTokens({ shape, vocabularySize }: PerturbOptions): Int32Array {
  const from = stream(0, "leak_audit/tokens");
  return Int32Array.from(
    { length: shape.batch * shape.seqLen },
    (_, index) => bits(from, { step: 0, index }) % vocabularySize,
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
