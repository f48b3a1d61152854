/**
 * The sealed record of one unit: what was run, on what, and what came out. It is plain JSON; every
 * field but `timing` is a function of manifest, code, data and machine, so the same run repeated
 * gives the same bytes outside `timing`.
 */

/** Version of this layout. */
export const RECORD_SCHEMA = "resnet-bk/record/v2";

/** A JSON value. Non-finite numbers never appear: they are written as strings "NaN", "Infinity", "-Infinity". */
export type Json = null | boolean | number | string | readonly Json[] | {
  readonly [key: string]: Json;
};

/** Facts about the adapter a unit ran on; `backend: "reference"` has no adapter and no such facts. */
export interface AdapterFacts {
  readonly vendor: string;
  readonly architecture: string;
  readonly device: string;
  readonly description: string;
  readonly isFallbackAdapter: boolean;
  readonly features: readonly string[];
  /** Limits the adapter offers that matter to plans, in the units of the WebGPU specification. */
  readonly limits: Readonly<Record<string, number>>;
}

/** A number in full: shortest round-trip decimal and hexadecimal bits of the f64, big-endian. */
export interface ExactNumber {
  readonly value: number;
  readonly bits: string;
}

/** How a unit ended. A divergence is a result, not a crash. */
export type Outcome =
  | { readonly kind: "ok" }
  | { readonly kind: "diverged"; readonly step: number; readonly reason: string };

/** Why a metric that waits for an event has no number: the run ended before it. */
export interface Censoring {
  /** Updates after which the run ended. For one that diverged: the step of its outcome. */
  readonly after: number;
  readonly reason: "not reached" | "diverged";
}

/** Whether predictions of a unit's final model depend on later tokens; with such a leak its loss is no evidence. */
export interface LeakFacts {
  /** An earlier logit changed with a token, or the model does not declare itself causal. */
  readonly leaks: boolean;
  /** Largest absolute change of a logit when a later token was changed; 0 where no bit changed. */
  readonly largestChange: number;
  /** Nats per token that later tokens are worth on the validation text; null where nothing leaks or there is no text. */
  readonly gainNats: number | null;
}

/** An output kept as a blob in the store. */
export interface OutputRef {
  readonly name: string;
  readonly digest: string;
  readonly bytes: number;
}

/** One unit's record. */
export interface RunRecord {
  readonly schema: typeof RECORD_SCHEMA;
  /** Content key of the unit: SHA-256 of the canonical JSON of its pre-image (docs/harness.md). */
  readonly key: string;
  /** Logical name, "phase4/smoke/resnet-bk/seq_len=128/seed=42". */
  readonly name: string;
  readonly experiment: string;
  readonly profile: string;
  readonly arm: string;
  /** Coordinates in the grid, {"seq_len": 128}. */
  readonly cell: Readonly<Record<string, number>>;
  readonly seed: number;
  /** SHA-256 of the canonical JSON of the resolved manifest. */
  readonly manifestDigest: string;
  /** Resolved settings of the unit, snake_case keys as in the manifest. */
  readonly config: Json;
  /** Corpus identity, split digests, n-gram floors in nats per token. */
  readonly data: Json;
  readonly code: { readonly digest: string; readonly revision: string; readonly dirty: boolean };
  readonly environment: {
    readonly deno: string;
    readonly v8: string;
    readonly typescript: string;
    readonly os: string;
    readonly arch: string;
  };
  readonly engine: {
    /** Which backend ran the plan: "webgpu" or "reference". */
    readonly backend: string;
    readonly preset: string;
    readonly planDigest: string;
    readonly shaderDigest: string;
    readonly adapter: AdapterFacts | null;
    readonly selfTest: Json;
  };
  readonly outcome: Outcome;
  /** Final numbers by metric name, e.g. val_loss in nats per token. Null where the unit diverged before it existed. */
  readonly metrics: Readonly<Record<string, ExactNumber | null>>;
  /** Metrics that are null because the run ended before what they wait for, by name; absent where there are none. */
  readonly censored?: Readonly<Record<string, Censoring>>;
  /** Null where the unit diverged: a model that is not finite cannot be audited. */
  readonly leak: LeakFacts | null;
  readonly parameters: { readonly count: number; readonly digest: string };
  readonly outputs: readonly OutputRef[];
  readonly warnings: readonly string[];
  /** Everything that differs when the same run is repeated, and nothing else. */
  readonly timing: {
    readonly startedAt: string;
    readonly endedAt: string;
    readonly wallSeconds: number;
    readonly trainSeconds: number;
    readonly evaluateSeconds: number;
    readonly tokensPerSecond: number;
    readonly host: string;
    readonly attempts: number;
  };
}

/** One line of a unit's `metrics.jsonl`, the output named "metrics.jsonl" of its record. */
export interface MetricLine {
  /** Update steps done when the value was taken; 0 is the initial model. */
  readonly step: number;
  /** Training tokens seen so far. */
  readonly tokens: number;
  /** "loss" (training batch, nats per token), "val_loss", "grad_norm", "learning_rate", … */
  readonly name: string;
  /** Value, or "NaN" / "Infinity" / "-Infinity" as text. */
  readonly value: number | string;
}
