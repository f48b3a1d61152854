import { ManifestError } from "../errors.ts";
import type { ResolvedManifest } from "../manifest/resolve_manifest.ts";
import type { ArmSettings } from "./arm_settings.ts";

/** Settings of `train` that decide when, how long and on what the wait for a target is watched. */
const WATCH = { steps: "steps", eval_every: "evalEvery", eval_tokens: "evalTokens" } as const;

/**
 * The primary metric is declared, and arms whose updates to a target are compared are watched alike: a run that ended
 * early would be censored where another still had time.
 *
 * @throws {ManifestError} Naming the key, and the arm that differs
 */
export function checkMetrics(resolved: ResolvedManifest, arms: readonly ArmSettings[]): void {
  const { manifest: { metrics, analysis }, file, profile } = resolved;
  const where = `${file} (profile ${profile}`;
  if (metrics.stepsToTarget === undefined) {
    if (analysis.primary !== "steps_to_target") return;
    throw new ManifestError(
      `${where}): at analysis.primary: expected a metric that metrics declares (val_loss), got "steps_to_target"; ` +
        "add metrics.steps_to_target with direction, unit, scale and target",
    );
  }
  for (const [key, member] of Object.entries(WATCH)) {
    const [first, ...others] = arms;
    const wanted = first.trainSettings[member];
    const other = others.find(({ trainSettings }) => trainSettings[member] !== wanted);
    if (other === undefined) continue;
    throw new ManifestError(
      `${where}, arm ${other.name}): at train.${key}: metrics.steps_to_target needs the same in every arm: expected ` +
        `${wanted} as in arm "${first.name}", got ${other.trainSettings[member]}`,
    );
  }
}
