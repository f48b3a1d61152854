/** Puts together the record of a finished unit. */
import { bitsPerByte } from "../data/bits_per_byte.ts";
import type { Json } from "../manifest/json.ts";
import type { BackendFacts } from "../plan/backend.ts";
import { exactNumber } from "../store/exact_number.ts";
import { type Outcome, type OutputRef, RECORD_SCHEMA, type RunRecord } from "../store/record.ts";
import type { UnitData } from "./load_unit_data.ts";
import type { UnitJob } from "./run_unit.ts";

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
  /** Validation tokens that the loss is a mean over. */
  readonly targets: number;
  readonly data: UnitData;
  readonly engine: BackendFacts;
  readonly planDigest: string;
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
    // Plain JSON by construction: facts of a corpus hold numbers, texts and lists alone.
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
    metrics: {
      val_loss: valLoss === null ? null : exactNumber(valLoss),
      bits_per_byte: valLoss === null ? null : exactNumber(
        bitsPerByte(valLoss, { tokens: targets, bytes: data.bytesOfTargets(targets) }),
      ),
    },
    parameters: parts.parameters,
    outputs: parts.outputs,
    warnings: [],
    timing: parts.timing,
  };
}
