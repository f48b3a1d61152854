/** Puts together the record of a finished unit. */
import { bitsPerByte } from "../data/bits_per_byte.ts";
import type { Json } from "../manifest/json.ts";
import type { BackendFacts } from "../plan/backend.ts";
import { exactNumber } from "../store/exact_number.ts";
import {
  type LeakFacts,
  type Outcome,
  type OutputRef,
  RECORD_SCHEMA,
  type RunRecord,
} from "../store/record.ts";
import type { TextUnitData, UnitData } from "./load_unit_data.ts";
import type { UnitJob } from "./run_unit.ts";
import type { TimedMetrics } from "./steps_to_target.ts";

/** What a record says that is the same for all units of a campaign. */
export interface RecordFacts {
  readonly manifestDigest: string;
  readonly code: RunRecord["code"];
  readonly shaderDigest: string;
}

export type UnitTiming = RunRecord["timing"];

export interface RecordParts {
  readonly outcome: Outcome;
  /** Final validation loss in nats per token; null for a run that diverged. */
  readonly valLoss: number | null;
  /** Validation tokens of the evaluation set. */
  readonly targets: number;
  /** Further final numbers by metric name; null as `valLoss`. */
  readonly measured: Readonly<Record<string, number | null>>;
  /** Metrics that wait for an event, and why they have no number. */
  readonly timed: TimedMetrics;
  readonly data: UnitData;
  readonly engine: BackendFacts;
  readonly planDigest: string;
  /** Null for a run that diverged. */
  readonly leak: LeakFacts | null;
  readonly parameters: RunRecord["parameters"];
  readonly outputs: readonly OutputRef[];
  readonly timing: UnitTiming;
}

export function makeRecord({ unit, key, facts }: UnitJob, parts: RecordParts): RunRecord {
  const { valLoss, engine, data, targets } = parts;
  return {
    schema: RECORD_SCHEMA,
    key,
    name: unit.name,
    experiment: unit.experiment,
    profile: unit.profile,
    arm: unit.arm,
    cell: unit.cell,
    seed: unit.seed,
    manifestDigest: facts.manifestDigest,
    config: unit.config,
    // Plain JSON by construction: facts of data hold numbers, texts and lists alone.
    data: { ...data.facts, floors: data.floors } as unknown as Json,
    code: facts.code,
    environment: {
      deno: Deno.version.deno,
      v8: Deno.version.v8,
      typescript: Deno.version.typescript,
      os: Deno.build.os,
      arch: Deno.build.arch,
    },
    engine: {
      backend: engine.name,
      preset: engine.preset,
      planDigest: parts.planDigest,
      shaderDigest: facts.shaderDigest,
      adapter: engine.adapter,
      selfTest: engine.selfTest,
    },
    outcome: parts.outcome,
    metrics: exactNumbers({
      val_loss: valLoss,
      ...(data.kind === "text" ? { bits_per_byte: bitsOf(valLoss, { data, targets }) } : {}),
      ...parts.measured,
      ...parts.timed.metrics,
    }),
    ...(Object.keys(parts.timed.censored).length > 0 ? { censored: parts.timed.censored } : {}),
    leak: parts.leak,
    parameters: parts.parameters,
    outputs: parts.outputs,
    warnings: [],
    timing: parts.timing,
  };
}

function bitsOf(valLoss: number | null, { data, targets }: {
  readonly data: TextUnitData;
  readonly targets: number;
}): number | null {
  if (valLoss === null) return null;
  return bitsPerByte(valLoss, { tokens: targets, bytes: data.bytesOfTargets(targets) });
}

function exactNumbers(metrics: Readonly<Record<string, number | null>>): RunRecord["metrics"] {
  return Object.fromEntries(
    Object.entries(metrics).map(([name, value]) => [
      name,
      value === null ? null : exactNumber(value),
    ]),
  );
}
