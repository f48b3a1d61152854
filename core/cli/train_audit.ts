/** The audit of a trained model for dependence on later tokens, before anything is said or saved about it. */
import { auditModel, expectDeclared } from "../run/audit_unit.ts";
import { stampMetrics } from "../run/stamp_metrics.ts";
import type { TrainedModel } from "../run/train_model.ts";
import { trainerSettings } from "../run/trainer_settings.ts";
import type { Backend } from "../plan/backend.ts";
import type { LeakFacts } from "../store/record.ts";
import type { TrainSetup } from "./train_setup.ts";

/**
 * Audits what was trained, at the shape of its batches, and stamps metrics.json with what was found. Null for a run
 * that was stopped or diverged: it gives no model.
 *
 * @throws {UnitError} If a model that declares itself causal leaks; its log is stamped all the same
 * @throws {NumericError} If its logits are not finite
 * @throws {StoreError} If the log cannot be written
 */
export async function auditTrained(
  { outcome, tensors }: TrainedModel,
  { setup, backend }: { readonly setup: TrainSetup; readonly backend: Backend },
): Promise<LeakFacts | null> {
  if (outcome !== "done") return null;
  const { config, data, saveDir } = setup;
  const { model, vocabularySize, shape } = trainerSettings(config, data);
  const audit = await auditModel({ model, vocabularySize, shape, tensors }, {
    ...{ backend, data },
    evalTokens: config.train.evalTokens,
  });
  stampMetrics(saveDir, audit.leak);
  expectDeclared(audit, {
    action: `save the model of "${saveDir}"`,
    model,
    seqLen: shape.seqLen,
  });
  return audit.leak;
}
