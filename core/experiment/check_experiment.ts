import { shortestRecall } from "../data/recall.ts";
import { ManifestError } from "../errors.ts";
import { didYouMean } from "../manifest/did_you_mean.ts";
import type { ResolvedManifest } from "../manifest/resolve_manifest.ts";
import type { ArmSettings } from "./arm_settings.ts";

/**
 * Every comparison names two different arms of the manifest.
 *
 * @throws {ManifestError} Naming the comparison, with the arm that was probably meant.
 */
export function checkComparisons(resolved: ResolvedManifest): void {
  const arms = Object.keys(resolved.manifest.arms).sort();
  for (const [id, pair] of Object.entries(resolved.manifest.analysis.comparisons)) {
    const path = `${resolved.file}: at analysis.comparisons.${id}`;
    for (const side of ["a", "b"] as const) {
      if (arms.includes(pair[side])) continue;
      const near = didYouMean(pair[side], arms);
      const question = near === null ? "" : `did you mean "${near}"? `;
      throw new ManifestError(
        `${path}.${side}: no arm "${pair[side]}"; ${question}Arms: ${arms.join(", ")}`,
      );
    }
    if (pair.a === pair.b) {
      throw new ManifestError(`${path}.b: expected another arm than "${pair.a}", got the same`);
    }
  }
}

/**
 * Steps and evaluation divide into whole windows of every length, so that each length of an arm
 * trains and is measured on the same number of tokens; and nothing is scheduled after the last step.
 *
 * @throws {ManifestError} Naming the key and the length that does not fit.
 */
export function checkTraining(resolved: ResolvedManifest, arm: ArmSettings): void {
  const train = arm.trainSettings;
  const where = `${resolved.file} (profile ${resolved.profile}, arm ${arm.name}): at train`;
  const parts = train.gradientAccumulationSteps ?? 1;
  const unequal = resolved.manifest.grid.seqLen.find((length) =>
    train.tokensPerStep % (length * parts) !== 0 && train.tokensPerStep % length === 0
  );
  if (unequal !== undefined) {
    throw new ManifestError(
      `${where}.gradient_accumulation_steps: expected a divisor of the ${
        train.tokensPerStep / unequal
      } sequences of ${unequal} tokens per step, got ${parts}`,
    );
  }
  const windows = { tokens_per_step: train.tokensPerStep, eval_tokens: train.evalTokens };
  for (const [key, tokens] of Object.entries(windows)) {
    const length = resolved.manifest.grid.seqLen.find((length) => tokens % length !== 0);
    if (length === undefined) continue;
    throw new ManifestError(
      `${where}.${key}: expected a multiple of every grid.seq_len, got ${tokens}, ` +
        `which is not a multiple of ${length}`,
    );
  }
  checkTask(resolved);
  if (train.gradientCosine) checkCosine(arm, where);
  checkModelSchedules(resolved, arm);
  const schedules = {
    warmup_steps: train.warmupSteps,
    eval_every: train.evalEvery,
    log_every: train.logEvery,
  };
  for (const [key, steps] of Object.entries(schedules)) {
    if (steps <= train.steps) continue;
    throw new ManifestError(
      `${where}.${key}: expected at most train.steps = ${train.steps}, got ${steps}`,
    );
  }
}

/** @throws {ManifestError} Naming a schedule of the model that would not come to its end */
function checkModelSchedules(resolved: ResolvedManifest, arm: ArmSettings): void {
  const { steps } = arm.trainSettings;
  for (const name of ["epsilon", "gumbel"]) {
    const shape = arm.model[`${name}_schedule`];
    const last = Number(arm.model[`${name}_steps`]);
    if (shape === undefined || shape === "none" || last <= steps) continue;
    throw new ManifestError(
      `${resolved.file} (profile ${resolved.profile}, arm ${arm.name}): at model.${name}_steps: expected at most ` +
        `train.steps = ${steps}, so that the schedule comes to its end, got ${last}`,
    );
  }
}

/** @throws {ManifestError} Naming the first length that is too short for the task's longest lag */
function checkTask({ manifest, file, profile }: ResolvedManifest): void {
  if (!("task" in manifest.data)) return;
  const needed = shortestRecall(manifest.data.task);
  const place = manifest.grid.seqLen.findIndex((length) => length < needed);
  if (place < 0) return;
  throw new ManifestError(
    `${file} (profile ${profile}): at grid.seq_len[${place}]: expected at least ${needed} tokens for the longest ` +
      `of data.task.lags, got ${manifest.grid.seqLen[place]}`,
  );
}

function checkCosine({ model }: ArmSettings, where: string): void {
  if (model.kind !== "resnet-bk" || model.mixer !== "diagonal") {
    throw new ManifestError(
      `${where}.gradient_cosine: only a resnet-bk model with the mixer "diagonal" has other gradients than the ` +
        `exact one, got ${
          model.kind === "resnet-bk"
            ? `the mixer "${model.mixer}"`
            : `a model of kind "${model.kind}"`
        }`,
    );
  }
  if (model.gumbel === 0) return;
  throw new ManifestError(
    `${where}.gradient_cosine: expected model.gumbel 0, got ${model.gumbel}: two gradients under different noise ` +
      "differ by more than their formula",
  );
}
