import { ManifestError } from "../errors.ts";
import { canonicalJson } from "../manifest/canonical_json.ts";
import { idleKeys } from "../manifest/idle_keys.ts";
import { type JsonObject, memberOf } from "../manifest/json.ts";
import { withoutKeys } from "../manifest/merge.ts";
import type { ResolvedManifest } from "../manifest/resolve_manifest.ts";
import { type ArmSettings, armSettings } from "./arm_settings.ts";
import { checkComparisons, checkTraining } from "./check_experiment.ts";
import { checkMetrics } from "./check_metrics.ts";
import type { Unit } from "./unit.ts";

/**
 * The units of a resolved manifest: every arm at every length with every seed, sorted by arm,
 * length and seed, whatever their order in the file.
 *
 * @throws {ManifestError} If the manifest contradicts itself; the message names file and key.
 */
export function expand(resolved: ResolvedManifest): readonly Unit[] {
  const { manifest } = resolved;
  checkComparisons(resolved);
  const arms = armSettings(resolved);
  for (const arm of arms) checkTraining(resolved, arm);
  checkMetrics(resolved, arms);
  refuseEqualArms(resolved, arms);
  const lengths = ascending(manifest.grid.seqLen);
  const seeds = ascending(manifest.replicates.seeds);
  return arms.flatMap((arm) =>
    lengths.flatMap((length) => seeds.map((seed) => unitOf(resolved, { arm, length, seed })))
  );
}

interface Coordinates {
  readonly arm: ArmSettings;
  readonly length: number;
  readonly seed: number;
}

function unitOf(resolved: ResolvedManifest, at: Coordinates): Unit {
  const { arm, length, seed } = at;
  const experiment = resolved.manifest.metadata.name;
  const { profile } = resolved;
  return {
    name: `${experiment}/${profile}/${arm.name}/seq_len=${length}/seed=${seed}`,
    experiment,
    profile,
    arm: arm.name,
    cell: { seq_len: length },
    seed,
    config: {
      data: memberOf(resolved.document, "data") as JsonObject, // checked by resolveManifest()
      model: arm.model,
      train: arm.train,
      ...unitMetrics(resolved),
      seq_len: length,
      seed,
    },
  };
}

/** Settings of metrics that units measure; a unit without such metrics has no such key. */
function unitMetrics({ manifest: { metrics } }: ResolvedManifest): JsonObject {
  const target = metrics.stepsToTarget?.target;
  return target === undefined ? {} : { metrics: { steps_to_target: { target } } };
}

function ascending(values: readonly number[]): readonly number[] {
  return values.toSorted((a, b) => a - b);
}

/**
 * Two arms with the same settings would be one run under two names, and their difference exactly 0. What a schedule
 * that is "none" would read tells no arms apart.
 */
function refuseEqualArms(resolved: ResolvedManifest, arms: readonly ArmSettings[]): void {
  const seen = new Map<string, string>();
  for (const arm of arms) {
    const model = withoutKeys(arm.model, [...idleKeys(arm.model).keys()]);
    const settings = canonicalJson({ model, train: arm.train });
    const twin = seen.get(settings);
    if (twin !== undefined) {
      throw new ManifestError(
        `${resolved.file}: at arms.${arm.name}: same settings as arm "${twin}"; remove one of them`,
      );
    }
    seen.set(settings, arm.name);
  }
}
