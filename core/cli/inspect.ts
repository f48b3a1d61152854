/** `deno task inspect`: what a saved model computes inside for one text, as figures in one HTML page. */
import { UsageError } from "../errors.ts";
import { inspectModel, type ModelInspection } from "../evaluate/inspect_model.ts";
import { inspectionPage } from "../report/inspection_page.ts";
import type { ModelFile } from "../run/model_file.ts";
import { modelPath } from "../run/model_path.ts";
import { modelStart } from "../run/model_start.ts";
import { openModelFile } from "../run/open_model_file.ts";
import { backendNameOf, type DeviceChoice, openBackend } from "../run/open_backend.ts";
import { folderOf, makeFolder, replaceFile } from "../store/store_io.ts";
import { parseArguments } from "./args.ts";
import { runMain } from "./main.ts";
import type { CommandSpec, OptionSpecs, OptionValues } from "./option_spec.ts";
import { SHARED_OPTIONS } from "./shared_options.ts";
import { tokenLabels } from "./token_labels.ts";

/** Tokens that still have a readable column on a page. */
const MOST_TOKENS = 128;
/** Heads whose rows are drawn unless some are named. */
const SHOWN_HEADS = 4;

const INSPECT = {
  name: "inspect",
  summary:
    "Draw what a saved model computes for a text: potential, Green function, eta, expert routing, and " +
    "rows of |G_ij|^2,\nwhich read like attention, in one HTML page that loads nothing.",
  options: {
    checkpoint: SHARED_OPTIONS.checkpoint,
    text: {
      kind: "string",
      description: `text of 2 to ${MOST_TOKENS} tokens`,
      required: true,
    },
    out: {
      kind: "string",
      description: "page to write; an older one is replaced",
      placeholder: "file",
      default: "inspect.html",
    },
    heads: {
      kind: "list",
      description:
        `heads whose rows are drawn; without it ${SHOWN_HEADS} of them, from the first to the last`,
    },
    device: SHARED_OPTIONS.device,
    json: { kind: "boolean", description: "print the values as one JSON document as well" },
  },
  examples: [
    'deno task inspect --checkpoint checkpoints/small_model --text "We hold these truths" --out inspect.html',
  ],
} as const satisfies CommandSpec<OptionSpecs>;

type InspectOptions = OptionValues<typeof INSPECT.options>;

/**
 * Runs the command.
 *
 * @throws {UsageError} On a text that is too short or too long, an unknown head, or a model without a resolvent
 * @throws {UsageError} If there is no model at the path
 * @throws {StoreError} If the model is damaged or of another version, or the page cannot be written
 * @throws {ManifestError} If the module of its mixer is missing or changed
 * @throws {NoAdapterError} If webgpu is asked for and there is no adapter
 */
export async function inspect(
  args: readonly string[],
  { print = (line) => console.log(line) }: { readonly print?: (line: string) => void } = {},
): Promise<void> {
  const read = parseArguments(args, INSPECT);
  if (read.kind === "help") return print(read.text);
  const { options } = read;
  const path = modelPath(options.checkpoint);
  const file = await openModelFile(path);
  const { tokenizer, model } = file;
  const tokens = tokensOf(options.text, file);
  const backend = await openBackend(backendNameOf(options.device as DeviceChoice));
  try {
    const { vocabularySize } = tokenizer;
    const start = modelStart(file, { seqLen: tokens.length });
    const inspection = await inspectModel(backend, { model, vocabularySize, tokens, start });
    const labels = tokenLabels(tokens, tokenizer);
    const page = await inspectionPage({
      title: `Inside ${path}`,
      facts: factsOf(file, { text: options.text, tokens }),
      leaks: file.leaks
        ? "every token sees later ones: what is drawn shows how it works, and nothing of how well it predicts"
        : null,
      tokens: labels,
      rowHeads: rowHeads(options, inspection),
      ...inspection,
    });
    writePage(options.out, page);
    if (options.json) {
      print(JSON.stringify(inspectionJson(inspection, { file, tokens, labels }), null, 2));
    } else print(`Written: ${options.out}`);
  } finally {
    backend.destroy();
  }
}

function tokensOf(text: string, { tokenizer }: ModelFile): Int32Array {
  const tokens = tokenizer.encode(text);
  if (tokens.length >= 2 && tokens.length <= MOST_TOKENS) return tokens;
  throw new UsageError(
    `Cannot draw a text of ${tokens.length} ${tokenizer.kind} tokens: expected 2 to ${MOST_TOKENS}, so that each ` +
      "has a column; give another part of it",
  );
}

function rowHeads(
  { heads }: InspectOptions,
  { layers }: ModelInspection,
): readonly number[] {
  const count = Math.max(...layers.map((layer) => layer.heads.length));
  if (heads.length === 0) {
    const shown = Math.min(SHOWN_HEADS, count);
    return Array.from(
      { length: shown },
      (_, k) => shown === 1 ? 0 : Math.round(k * (count - 1) / (shown - 1)),
    );
  }
  return heads.map((text) => {
    const head = /^\d+$/.test(text) ? Number(text) : NaN;
    if (head < count) return head;
    throw new UsageError(`Option --heads: expected heads in 0..${count - 1}, got "${text}"`);
  });
}

function factsOf(file: ModelFile, { text, tokens }: {
  readonly text: string;
  readonly tokens: Int32Array;
}): readonly (readonly [string, string])[] {
  const { model, step, seqLen, corpus, valLoss, tokenizer } = file;
  const loss = valLoss === null
    ? "not measured"
    : `${valLoss.toFixed(4)} nats per token${file.leaks ? ", LEAKS" : ""}`;
  return [
    [
      "model",
      `${model.kind}, ${model.nLayers} layer${
        model.nLayers === 1 ? "" : "s"
      }, width ${model.dModel}`,
    ],
    ["trained", `${step} updates on ${corpus.id} at ${seqLen} tokens`],
    ["validation loss", loss],
    ["text", text],
    [
      "tokens",
      `${tokens.length}, ${tokenizer.kind} tokenizer with V = ${tokenizer.vocabularySize}`,
    ],
  ];
}

function inspectionJson({ layers, surprisal }: ModelInspection, { file, tokens, labels }: {
  readonly file: ModelFile;
  readonly tokens: Int32Array;
  readonly labels: readonly string[];
}): Readonly<Record<string, unknown>> {
  return {
    leaks: file.leaks,
    tokens: [...tokens],
    labels,
    surprisal: [...surprisal],
    layers: layers.map(({ place, heads, experts }) => ({
      place,
      heads: heads.map((head) => ({
        green_re: [...head.greenRe],
        green_im: [...head.greenIm],
        potential: [...head.potential],
        eta: [...head.eta],
        weights: head.weights.map((row) => [...row]),
      })),
      experts: experts?.map((row) => [...row]) ?? null,
    })),
  };
}

function writePage(path: string, page: string): void {
  const full = /[/\\]/.test(path) ? path : `./${path}`;
  makeFolder(folderOf(full));
  replaceFile(full, page);
}

if (import.meta.main) await runMain(() => inspect(Deno.args));
