/** `deno task evaluate`: loss and perplexity of a saved model on a part of its text, or on another text. */
import { UsageError } from "../errors.ts";
import { evaluateModel, type ModelEvaluation } from "../run/evaluate_model.ts";
import type { ModelFile } from "../run/model_file.ts";
import { modelPath } from "../run/model_path.ts";
import { openModelFile } from "../run/open_model_file.ts";
import { backendNameOf, type DeviceChoice, openBackend } from "../run/open_backend.ts";
import { parseArguments } from "./args.ts";
import { runMain } from "./main.ts";
import { modelText, PARTS } from "./model_text.ts";
import type { CommandSpec, OptionSpecs, OptionValues } from "./option_spec.ts";
import { SHARED_OPTIONS } from "./shared_options.ts";
import { LEAK_STAMP } from "./train_report.ts";

const EVALUATE = {
  name: "evaluate",
  summary: "Print loss and perplexity of a saved model, beside what counting n-grams reaches.",
  options: {
    checkpoint: SHARED_OPTIONS.checkpoint,
    split: {
      kind: "string",
      description: "part of the text; without it valid, or all of a text given with --corpus",
      choices: PARTS,
    },
    corpus: {
      kind: "string",
      description: "your own text instead of the one that it was trained on: a file or a folder",
      placeholder: "path",
    },
    dataDir: SHARED_OPTIONS.dataDir,
    seqLen: {
      kind: "number",
      description: "tokens per window; without it the length of training",
      integer: true,
      minimum: 1,
    },
    batchSize: {
      kind: "number",
      description: "windows per batch; changes the last bits alone",
      integer: true,
      minimum: 1,
      default: 8,
    },
    evalTokens: {
      kind: "number",
      description: "score so many tokens from the first on; without it all",
      integer: true,
      minimum: 1,
    },
    device: SHARED_OPTIONS.device,
    json: SHARED_OPTIONS.json,
  },
  examples: [
    "deno task evaluate --checkpoint checkpoints/small_model/checkpoint_final.safetensors",
    "deno task evaluate --checkpoint checkpoints/small_model --split test --json",
  ],
} as const satisfies CommandSpec<OptionSpecs>;

type EvaluateOptions = OptionValues<typeof EVALUATE.options>;

/**
 * Runs the command.
 *
 * @throws {UsageError} If fewer tokens are to be scored than a window has
 * @throws {UsageError} If there is no model at the path
 * @throws {StoreError} If the model is damaged or of another version, or does not fit the length
 * @throws {ManifestError} If the module of its mixer is missing or changed
 * @throws {DataError} If the text is missing, is not the pinned one, or has no such part
 * @throws {NoAdapterError} If webgpu is asked for and there is no adapter
 */
export async function evaluate(args: readonly string[]): Promise<void> {
  const read = parseArguments(args, EVALUATE);
  if (read.kind === "help") {
    console.log(read.text);
    return;
  }
  const { options } = read;
  const path = modelPath(options.checkpoint);
  const file = await openModelFile(path);
  const { evalTokens, seqLen = file.seqLen } = options;
  if (evalTokens !== undefined && evalTokens < seqLen) {
    throw new UsageError(
      `Option --eval-tokens: expected at least one window of ${seqLen} tokens, got ${evalTokens}`,
    );
  }
  const { name, text } = modelText(file, options);
  const backend = await openBackend(backendNameOf(options.device as DeviceChoice));
  try {
    const { batchSize } = options;
    const result = await evaluateModel(file, { backend, batchSize, evalTokens, seqLen, text });
    if (options.json) console.log(JSON.stringify(resultJson(file, { name, result }), null, 2));
    else resultLines(file, { path, name, result }).forEach((line) => console.log(line));
  } finally {
    backend.destroy();
  }
}

interface Result {
  readonly name: string;
  readonly result: ModelEvaluation;
}

function resultLines(
  { leaks, model, step }: ModelFile,
  { path, name, result }: Result & { readonly path: string },
): readonly string[] {
  const { unknownRate, floors, floorTokens } = result;
  const unknown = unknownRate === null ? "nothing unknown" : `${percent(unknownRate)} unknown`;
  return [
    `Perplexity: ${result.perplexity.toFixed(2)}`,
    `Loss: ${result.loss.toFixed(4)}`,
    `Bits per byte: ${bitsText(result)}`,
    ...(leaks ? [LEAK_STAMP] : []),
    `model     ${path}: ${model.kind}, step ${step}`,
    `text      ${name}: ${result.tokens} tokens scored, ${result.bytes} bytes; V = ${result.vocabularySize}, ` +
    unknown,
    floors === null
      ? "floors    none: the text that the model was trained on is not at hand"
      : `floors    ${
        floors.map(floorText).join(", ")
      }, counted on all ${floorTokens} tokens of the training ` +
        "part, also where a data_limit left the model fewer",
  ];
}

function bitsText(
  { bitsPerByte, bitsPerByteIsLowerBound, unknownRate }: ModelEvaluation,
): string {
  const bits = bitsPerByte.toFixed(4);
  if (!bitsPerByteIsLowerBound) return bits;
  const unknown = unknownRate === null ? "" : `${percent(unknownRate)} of tokens are unknown, `;
  return `>= ${bits} (a lower bound: ${unknown}white space is not predicted)`;
}

function floorText(
  { order, natsPerToken }: { readonly order: number; readonly natsPerToken: number },
): string {
  return `${order}-gram ${natsPerToken.toFixed(4)} (perplexity ${
    Math.exp(natsPerToken).toFixed(2)
  })`;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(2)} %`;
}

function resultJson(
  { leaks, largestChange, model, step, corpus }: ModelFile,
  { name, result }: Result,
): Readonly<Record<string, unknown>> {
  return {
    perplexity: result.perplexity,
    loss: result.loss,
    bits_per_byte: result.bitsPerByte,
    bits_per_byte_is_lower_bound: result.bitsPerByteIsLowerBound,
    tokens: result.tokens,
    bytes: result.bytes,
    vocabulary_size: result.vocabularySize,
    unknown_rate: result.unknownRate,
    floors: result.floors?.map(({ order, natsPerToken }) => ({
      order,
      nats_per_token: natsPerToken,
    })) ?? null,
    floor_tokens: result.floorTokens,
    text: name,
    leaks,
    largest_earlier_change: largestChange,
    model: model.kind,
    step,
    trained_on: corpus,
  };
}

if (import.meta.main) await runMain(() => evaluate(Deno.args));
