import { evaluationWindows } from "../data/evaluation_windows.ts";
import { UnitError } from "../errors.ts";
import {
  auditCausality,
  type AuditedModel,
  auditGain,
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
  expectDeclared(audit, { action: `seal "${name}"`, model, seqLen: shape.seqLen });
  return audit.leak;
}

/** What an audit found, before anyone judges it. */
export interface ModelAudit {
  readonly leak: LeakFacts;
  /** Earlier logits that changed, and the positions of the tokens that changed them. */
  readonly changed: number;
  readonly positions: readonly number[];
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
  const { changed, largestChange, probes } = await auditCausality(backend, audited);
  const positions = probes.filter((probe) => probe.changed > 0).map(({ position }) => position);
  const isDeclared = declaresCausal(model);
  const leaks = changed > 0 || !isDeclared;
  // A leak that nobody declared is an error, whatever it is worth.
  if (isDeclared || data.kind !== "text") {
    return { leak: { leaks, largestChange, gainNats: null }, changed, positions };
  }
  const windows = evaluationWindows(data.valid, { seqLen, evalTokens });
  const { nats } = await auditGain(backend, { ...audited, windows });
  return { leak: { leaks, largestChange, gainNats: nats }, changed, positions };
}

/**
 * Refuses a model that declares itself causal and leaks.
 *
 * @throws {UnitError} If it does
 */
export function expectDeclared({ leak, changed, positions }: ModelAudit, at: {
  /** What cannot be done with it, "seal \"e/p/arm\"". */
  readonly action: string;
  readonly model: ModelConfig;
  readonly seqLen: number;
}): void {
  const { action, model, seqLen } = at;
  if (!leak.leaks || !declaresCausal(model)) return;
  throw new UnitError(
    `Cannot ${action}: a "${model.kind}" model declares itself causal, but changing token ${
      positions.join(", ")
    } of ${seqLen} changes ${changed} earlier logits by up to ${leak.largestChange}; correct the model`,
  );
}
