import { canonicalJson } from "../manifest/canonical_json.ts";
import type { JsonObject } from "../manifest/json.ts";
import { sha256Hex } from "../random/sha256.ts";
import type { Unit } from "./unit.ts";

/** Version of the pre-image; a change of its form changes every key. */
export const UNIT_KEY_VERSION = 1;

/** What a unit's bytes depend on besides its own settings. */
export interface KeyIngredients {
  /** Digests of what is read, by name: {"corpus": sha256, …}. */
  readonly inputs: Readonly<Record<string, string>>;
  /** Digest of the code that runs the unit, from `codeIdentity()`. */
  readonly code: string;
  readonly environment: {
    /** Version of Deno. */
    readonly deno: string;
    /** Which backend runs the plan: "webgpu" or "reference". */
    readonly backend: string;
  };
  /** Algorithm of the random streams, "threefry2x32-20". */
  readonly randomAlgorithm: string;
}

/** A key and the document it is the digest of. */
export interface UnitKey {
  /** SHA-256 of the canonical JSON of `preimage`. */
  readonly key: string;
  readonly preimage: JsonObject;
}

/**
 * The content key of a unit (docs/harness.md §3). Names, titles, comments, key order, `execution`,
 * host and time are no part of it; a changed setting, seed, corpus byte or line of code is.
 */
export function unitKey(unit: Unit, ingredients: KeyIngredients): UnitKey {
  const { inputs, code, environment, randomAlgorithm } = ingredients;
  const preimage = {
    v: UNIT_KEY_VERSION,
    kind: "train",
    config: unit.config,
    inputs,
    code,
    env: { deno: environment.deno, backend: environment.backend },
    rng: { algorithm: randomAlgorithm, seed: unit.seed },
  };
  return { key: sha256Hex(canonicalJson(preimage)), preimage };
}
