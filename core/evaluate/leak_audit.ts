/**
 * Whether a model's predictions depend on tokens that come after them, and what that is worth.
 *
 * A next-token loss of such a model is no evidence: the target is among the tokens that it reads.
 */
import type { EvaluationWindows } from "../data/evaluation_windows.ts";
import type { BatchShape } from "../models/model.ts";
import { type ModelConfig, modelOf } from "../models/registry.ts";
import type { Backend, Program } from "../plan/backend.ts";
import type { Plan } from "../plan/plan.ts";
import { type ModelTensors, parameterArena, stateArena } from "../train/model_tensors.ts";
import { logitsPlan, rowLossesPlan } from "./evaluation_plan.ts";
import { type LeakGain, leakGain } from "./leak_gain.ts";
import { perturbTokens, type Probe } from "./perturb_tokens.ts";
import { prefixTensors } from "./prefix_tensors.ts";

/** A model with values for its tensors. */
export interface AuditedModel {
  readonly model: ModelConfig;
  readonly vocabularySize: number;
  /** B sequences at a time, each of N tokens; a parameter with a value per position has N of them. */
  readonly shape: BatchShape;
  readonly tensors: ModelTensors;
}

/** What perturbing tokens showed at one length. */
export interface CausalityAudit {
  /** N of the sequences. */
  readonly seqLen: number;
  readonly probes: readonly Probe[];
  /** Earlier logits of which any bit changed, over all probes. */
  readonly changed: number;
  /** Largest absolute change of an earlier logit. */
  readonly largestChange: number;
  /** Logits that were compared of each position, and how many there are. */
  readonly compared: { readonly classes: number; readonly of: number };
}

/** Logits compared per position, at most: a leak moves the features, on which all of them depend. */
const MOST_CLASSES = 1024;

/**
 * Perturbs tokens of sequences and compares the logits before them, at some positions of long sequences and for some
 * classes of large vocabularies: `auditText` says how many. Without `length` they are as long as the
 * model's own.
 *
 * @throws {NumericError} If logits are not finite or depend on no token
 * @throws {StoreError} If the model has a value per position and fewer positions than `length`
 */
export async function auditCausality(
  backend: Backend,
  { length, ...audited }: AuditedModel & { readonly length?: number },
): Promise<CausalityAudit> {
  const { model, vocabularySize } = audited;
  const shape = { ...audited.shape, seqLen: length ?? audited.shape.seqLen };
  const classes = Math.min(vocabularySize, MOST_CLASSES);
  const plan = logitsPlan({ model, shape, vocabularySize, classes });
  const program = await compiled(backend, { plan, audited, length: shape.seqLen });
  try {
    const probes = await perturbTokens(program, { shape, vocabularySize, classes });
    return {
      seqLen: shape.seqLen,
      probes,
      changed: probes.reduce((sum, { changed }) => sum + changed, 0),
      largestChange: Math.max(...probes.map(({ largestChange }) => largestChange)),
      compared: { classes, of: vocabularySize },
    };
  } finally {
    program.destroy();
  }
}

/**
 * What was changed and compared: "changing tokens at 16 of 512 positions changed no bit of an earlier logit (1,024 of
 * 30,000 logits compared)". Position 0 has no earlier logit, so N - 1 positions are all.
 */
export function auditText(
  { seqLen, probes, changed, largestChange, compared }: CausalityAudit,
): string {
  const count = (value: number): string => value.toLocaleString("en-US");
  const positions = probes.length >= seqLen - 1
    ? `every position after the first of ${count(seqLen)}`
    : `${count(probes.length)} of ${count(seqLen)} positions`;
  const { classes, of } = compared;
  const part = classes < of ? ` (${count(classes)} of ${count(of)} logits compared)` : "";
  const what = changed > 0
    ? `changed earlier logits by up to ${largestChange}`
    : "changed no bit of an earlier logit";
  return `changing tokens at ${positions} ${what}${part}`;
}

/** What later tokens are worth to a model on windows (W, N) of text. */
export async function auditGain(
  backend: Backend,
  { windows, ...audited }: AuditedModel & { readonly windows: EvaluationWindows },
): Promise<LeakGain> {
  const { model, vocabularySize } = audited;
  const programAt = (shape: BatchShape) => {
    const plan = rowLossesPlan({ model, shape, vocabularySize });
    return compiled(backend, { plan, audited, length: shape.seqLen });
  };
  return await leakGain(programAt, { windows, shape: audited.shape });
}

/** Whether a model declares that no prediction depends on later tokens. */
export function declaresCausal(model: ModelConfig): boolean {
  return modelOf(model).isCausal(model);
}

async function compiled(
  backend: Backend,
  { plan, audited: { tensors, shape }, length }: {
    readonly plan: Plan;
    readonly audited: AuditedModel;
    readonly length: number;
  },
): Promise<Program> {
  const fitting = prefixTensors(tensors, { plan, from: shape.seqLen, to: length });
  const program = await backend.compile(plan);
  try {
    program.write("param", parameterArena(plan, fitting));
    program.write("state", stateArena(plan, fitting));
    return program;
  } catch (error) {
    program.destroy();
    throw error;
  }
}
