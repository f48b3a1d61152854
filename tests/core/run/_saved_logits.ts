/** Losses of a saved model by definition: -ln softmax(logits) of one forward pass over all tokens, summed in f64. */
import { logitsPlan } from "../../../core/evaluate/evaluation_plan.ts";
import type { ModelFile } from "../../../core/run/model_file.ts";
import { modelStart } from "../../../core/run/model_start.ts";
import type { Backend } from "../../../core/plan/backend.ts";

/** Logits (n, V) behind each of n tokens, nothing before them. */
export async function savedLogits(
  file: ModelFile,
  { backend, tokens }: { readonly backend: Backend; readonly tokens: Int32Array<ArrayBuffer> },
): Promise<readonly (readonly number[])[]> {
  const { model, tokenizer: { vocabularySize } } = file;
  const seqLen = tokens.length;
  const program = await backend.compile(
    logitsPlan({ model, shape: { batch: 1, seqLen }, vocabularySize }),
  );
  try {
    const { param, state } = modelStart(file, { seqLen })(program.plan);
    program.write("param", param);
    program.write("state", state);
    program.step({ tokens });
    const logits = await program.read("logits");
    return Array.from(
      tokens,
      (_, i) => [...logits.subarray(i * vocabularySize, (i + 1) * vocabularySize)],
    );
  } finally {
    program.destroy();
  }
}

/** Nats of each of ids 1..n, predicted from all before it. */
export async function savedNats(
  file: ModelFile,
  { backend, ids }: { readonly backend: Backend; readonly ids: Int32Array<ArrayBuffer> },
): Promise<readonly number[]> {
  const logits = await savedLogits(file, { backend, tokens: ids.slice(0, -1) });
  return logits.map((row, i) => {
    const largest = Math.max(...row);
    const total = row.reduce((sum, logit) => sum + Math.exp(logit - largest), 0);
    return largest + Math.log(total) - row[ids[i + 1]];
  });
}

/** Arithmetic mean. */
export function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
