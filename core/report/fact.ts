/** A fact: one number or word of the paper, tied to the sealed runs it comes from. */
import { createHash } from "node:crypto";

/** One fact as it stands in `results.tex` and `facts.json`. */
export interface Fact {
  /** "phase4/resnet-bk/2048/val_loss/mean". */
  readonly key: string;
  /** Exact value before rounding. */
  readonly value: number | string;
  /** What is typeset: LaTeX source. */
  readonly text: string;
  /** Record keys behind it, sorted. */
  readonly runs: readonly string[];
  /** First 8 hexadecimal digits of SHA-256 over key, value, text and runs. */
  readonly digest: string;
}

/** What a fact is made from. */
export interface FactSource {
  readonly value: number | string;
  readonly text: string;
  readonly runs: readonly string[];
}

const KEY = /^[A-Za-z0-9][A-Za-z0-9_.+/-]*$/;

/**
 * Makes a fact.
 *
 * @throws {RangeError} If the key has characters that LaTeX could not use as a name
 */
export function makeFact(key: string, source: FactSource): Fact {
  if (!KEY.test(key)) {
    throw new RangeError(
      `Fact key "${key}" must consist of letters, digits and the characters _ . + / -`,
    );
  }
  const runs = [...new Set(source.runs)].sort();
  const image = JSON.stringify([key, String(source.value), source.text, runs]);
  const digest = createHash("sha256").update(image).digest("hex").slice(0, 8);
  return { key, value: source.value, text: source.text, runs, digest };
}

/** Facts in order of key, by code unit. */
export function sortFacts(facts: readonly Fact[]): readonly Fact[] {
  return [...facts].sort((a, b) => a.key < b.key ? -1 : a.key > b.key ? 1 : 0);
}
