import { evaluationWindows } from "../data/evaluation_windows.ts";
import { UnitError } from "../errors.ts";
import {
  auditCausality,
  type AuditedModel,
  auditGain,
  type CausalityAudit,
  declaresCausal,
} from "../evaluate/leak_audit.ts";
import type { ModelConfig } from "../models/registry.ts";
import type { Backend } from "../plan/backend.ts";
import type { LeakFacts } from "../store/record.ts";
import { modelTensors } from "../train/model_tensors.ts";
import type { Trainer, TrainerSettings } from "../train/trainer.ts";
import type { UnitData } from "./load_unit_data.ts";

/**
 * Audits the present model of a trainer for dependence on later tokens, at its own batch shape. What a leak is worth
 * is measured on the validation text, and only where there is one.
 *
 * @throws {UnitError} If a model that declares itself causal leaks: its records would be no evidence
 * @throws {NumericError} If the model's logits are not finite
 */
export async function auditUnit(trainer: Trainer, of: {
  readonly name: string;
  readonly settings: TrainerSettings;
  readonly backend: Backend;
  readonly data: UnitData;
  readonly evalTokens: number;
}): Promise<LeakFacts> {
  const { settings: { model, vocabularySize, shape }, name } = of;
  const [param, state] = await trainer.program.readArenas(["param", "state"]);
  const tensors = modelTensors(trainer.program.plan, { param, state });
  const audit = await auditModel({ model, vocabularySize, shape, tensors }, of);
  expectDeclared(audit, { action: `seal "${name}"`, model });
  return audit.leak;
}

/** What an audit found, before anyone judges it. */
export interface ModelAudit {
  readonly leak: LeakFacts;
  /** What was changed and compared, and what came of it. */
  readonly causality: CausalityAudit;
}

/**
 * Audits a model with its tensors. A model leaks where an earlier logit changed, or where it does not declare itself
 * causal.
 *
 * @throws {NumericError} If the model's logits are not finite
 */
export async function auditModel(audited: AuditedModel, of: {
  readonly backend: Backend;
  readonly data: UnitData;
  readonly evalTokens: number;
}): Promise<ModelAudit> {
  const { backend, data, evalTokens } = of;
  const { model, shape: { seqLen } } = audited;
  const causality = await auditCausality(backend, audited);
  const { changed, largestChange } = causality;
  const isDeclared = declaresCausal(model);
  const leaks = changed > 0 || !isDeclared;
  // A leak that nobody declared is an error, whatever it is worth.
  if (isDeclared || data.kind !== "text") {
    return { leak: { leaks, largestChange, gainNats: null }, causality };
  }
  const windows = evaluationWindows(data.valid, { seqLen, evalTokens });
  const { nats } = await auditGain(backend, { ...audited, windows });
  return { leak: { leaks, largestChange, gainNats: nats }, causality };
}

/**
 * Refuses a model that declares itself causal and leaks.
 *
 * @throws {UnitError} If it does
 */
export function expectDeclared({ leak, causality }: ModelAudit, at: {
  /** What cannot be done with it, "seal \"e/p/arm\"". */
  readonly action: string;
  readonly model: ModelConfig;
}): void {
  const { action, model } = at;
  if (!leak.leaks || !declaresCausal(model)) return;
  const { seqLen, probes } = causality;
  const leaking = probes.filter((probe) => probe.changed > 0);
  const [{ position, changed }] = leaking;
  throw new UnitError(
    `Cannot ${action}: a "${model.kind}" model declares itself causal, but changing the tokens from ${position} of ` +
      `${seqLen} on changes ${changed} earlier logits (${leaking.length} of ${probes.length} probed positions show ` +
      `a leak), by up to ${leak.largestChange}; correct the model`,
  );
}
