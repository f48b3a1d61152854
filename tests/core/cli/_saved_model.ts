/** A small model file with first parameters, written without training. */
import type { Tokenizer } from "../../../core/data/tokenizer.ts";
import { logitsPlan } from "../../../core/evaluate/evaluation_plan.ts";
import type { JsonObject } from "../../../core/manifest/json.ts";
import { withPreset } from "../../../core/manifest/model_presets.ts";
import { modelSchema } from "../../../core/manifest/model_schema.ts";
import { saveModelFile } from "../../../core/run/model_file.ts";
import { initialParameters, initialStates } from "../../../core/train/initial_parameters.ts";
import { modelTensors } from "../../../core/train/model_tensors.ts";

const AT = { file: "test", path: "model", patch: false };

/** Settings of a small resnet-bk, or of another model. */
export const SMALL_MODEL = {
  kind: "resnet-bk",
  d_model: 8,
  n_layers: 1,
  tie_head: true,
  preset: "baseline",
  bk_channels: 3,
  eta_init: 0.1,
} as const;

export const SMALL_TRANSFORMER = {
  kind: "transformer",
  d_model: 8,
  n_layers: 1,
  tie_head: true,
  n_heads: 2,
} as const;

/** Writes the file and returns its path. */
export function saveSmallModel(path: string, options: {
  readonly settings: JsonObject;
  readonly tokenizer: Tokenizer;
  /** What it says that it was trained on. @default "moby-dick" */
  readonly corpusId?: string;
}): string {
  const settings = withPreset(options.settings, AT);
  const model = modelSchema.read(settings, AT);
  const { tokenizer, corpusId: id = "moby-dick" } = options;
  const { vocabularySize } = tokenizer;
  const plan = logitsPlan({ model, shape: { batch: 1, seqLen: 16 }, vocabularySize });
  saveModelFile(path, {
    ...modelTensors(plan, { param: initialParameters(plan, 3), state: initialStates(plan) }),
    settings,
    tokenizer,
    seqLen: 16,
    step: 5,
    seed: 3,
    corpus: { id, sha256: "00ff", split: "interleave" },
    valLoss: null,
  });
  return path;
}

/** Runs a test with a folder of its own. */
export async function inFolder(test: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
