import { evaluationWindows } from "../data/evaluation_windows.ts";
import { UnitError } from "../errors.ts";
import { auditCausality, auditGain, declaresCausal } from "../evaluate/leak_audit.ts";
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
  const { settings: { model, vocabularySize, shape }, backend, data, evalTokens } = of;
  const [param, state] = await trainer.program.readArenas(["param", "state"]);
  const tensors = modelTensors(trainer.program.plan, { param, state });
  const audited = { model, vocabularySize, shape, tensors };
  const { changed, largestChange, probes } = await auditCausality(backend, audited);
  const isDeclared = declaresCausal(model);
  if (changed === 0 && isDeclared) return { leaks: false, largestChange: 0, gainNats: null };
  if (isDeclared) {
    const at = probes.filter((probe) => probe.changed > 0).map(({ position }) => position);
    throw new UnitError(
      `Cannot seal "${of.name}": a "${model.kind}" model declares itself causal, but changing token ${
        at.join(", ")
      } of ${shape.seqLen} changes ${changed} earlier logits by up to ${largestChange}; correct the model`,
    );
  }
  if (data.kind !== "text") return { leaks: true, largestChange, gainNats: null };
  const windows = evaluationWindows(data.valid, { seqLen: shape.seqLen, evalTokens });
  const { nats } = await auditGain(backend, { ...audited, windows });
  return { leaks: true, largestChange, gainNats: nats };
}
