/** The audit of a trained model for dependence on later tokens, before anything is said or saved about it. */
import { auditModel, expectDeclared, type ModelAudit } from "../run/audit_unit.ts";
import { stampMetrics } from "../run/stamp_metrics.ts";
import type { TrainedModel } from "../run/train_model.ts";
import { trainerSettings } from "../run/trainer_settings.ts";
import type { Backend } from "../plan/backend.ts";
import type { TrainSetup } from "./train_setup.ts";

/**
 * Audits what was trained, at the shape of its batches, and stamps the log with what was found. Null for a run that
 * was stopped or diverged: it gives no model. A leak is no error here, so that its losses can be shown as such first.
 *
 * @throws {NumericError} If its logits are not finite
 * @throws {StoreError} If the log cannot be written
 */
export async function auditTrained(
  { outcome, tensors }: TrainedModel,
  { setup, backend }: { readonly setup: TrainSetup; readonly backend: Backend },
): Promise<ModelAudit | null> {
  if (outcome !== "done") return null;
  const { config, data, saveDir } = setup;
  const { model, vocabularySize, shape } = trainerSettings(config, data);
  const audit = await auditModel({ model, vocabularySize, shape, tensors }, {
    ...{ backend, data },
    evalTokens: config.train.evalTokens,
  });
  stampMetrics(saveDir, audit.leak);
  return audit;
}

/** Refuses to save a model that declares itself causal and leaks. @throws {UnitError} If it does */
export function expectSavable(audit: ModelAudit, { saveDir, config }: TrainSetup): void {
  expectDeclared(audit, { action: `save the model of "${saveDir}"`, model: config.model });
}
