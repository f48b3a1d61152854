/** `deno task phase-difficulty`: whether a saved model's scattering phase says how hard the next token is. */
import { UsageError } from "../errors.ts";
import { inspectModel, type ModelInspection } from "../evaluate/inspect_model.ts";
import { type Correlation, phaseDifficulty } from "../evaluate/phase_difficulty.ts";
import { stream } from "../random/streams.ts";
import { LEAKS_STAMP } from "../report/leaks.ts";
import { loadModelFile } from "../run/model_file.ts";
import { modelPath } from "../run/model_path.ts";
import { modelStart } from "../run/model_start.ts";
import { backendNameOf, type DeviceChoice, openBackend } from "../run/open_backend.ts";
import { parseArguments } from "./args.ts";
import { runMain } from "./main.ts";
import { modelText, PARTS } from "./model_text.ts";
import type { CommandSpec, OptionSpecs } from "./option_spec.ts";
import { SHARED_OPTIONS } from "./shared_options.ts";

const PHASE_DIFFICULTY = {
  name: "phase-difficulty",
  summary:
    "Rank correlation of each token's scattering phase with -ln P of the next token on held-out text, with the\n" +
    "potential as it is and shuffled within each window.",
  options: {
    checkpoint: {
      kind: "string",
      description: "resnet-bk model that train saved, or its folder",
      placeholder: "path",
      required: true,
    },
    split: { kind: "string", description: "part of the text; without it valid", choices: PARTS },
    corpus: {
      kind: "string",
      description: "your own text: a file or a folder",
      placeholder: "path",
    },
    dataDir: SHARED_OPTIONS.dataDir,
    windows: {
      kind: "number",
      description: "pieces of text, evenly spaced, that are also what is resampled",
      integer: true,
      minimum: 2,
      default: 32,
    },
    seed: {
      kind: "number",
      description: "of permutations and resamples",
      integer: true,
      minimum: 0,
      default: 42,
    },
    device: SHARED_OPTIONS.device,
    json: SHARED_OPTIONS.json,
  },
  examples: ["deno task phase-difficulty --checkpoint checkpoints/small_model"],
} as const satisfies CommandSpec<OptionSpecs>;

/**
 * Runs the command.
 *
 * @throws {UsageError} If the model is no resnet-bk or leaks, or the text has too few tokens
 * @throws {UsageError} If there is no model at the path
 * @throws {StoreError} If the model is damaged or of another version
 * @throws {NoAdapterError} If webgpu is asked for and there is no adapter
 */
export async function phaseDifficultyCommand(args: readonly string[]): Promise<void> {
  const read = parseArguments(args, PHASE_DIFFICULTY);
  if (read.kind === "help") return console.log(read.text);
  const { options } = read;
  const file = loadModelFile(modelPath(options.checkpoint));
  const { model, tokenizer, seqLen } = file;
  if (model.kind !== "resnet-bk" || model.mixer !== "diagonal") {
    throw new UsageError(
      `Cannot take phases of a model of kind "${model.kind}": expected "resnet-bk" with mixer "diagonal"`,
    );
  }
  if (file.leaks) {
    throw new UsageError(
      'Cannot take phases of a model with bk_direction "bidirectional": expected causal pivots, and this model ' +
        `${LEAKS_STAMP}: its phase at a token has read the tokens after it; train one with mode "causal"`,
    );
  }
  const { name, text } = modelText(file, options);
  const ids = tokenizer.encodePart(text.part);
  const pieces = cut(ids, { count: options.windows, seqLen });
  const backend = await openBackend(backendNameOf(options.device as DeviceChoice));
  try {
    const inspections: ModelInspection[] = [];
    for (const tokens of pieces) {
      const { vocabularySize } = tokenizer;
      inspections.push(
        await inspectModel(backend, { model, vocabularySize, tokens, start: modelStart(file) }),
      );
    }
    const layers = phaseDifficulty(inspections, {
      a: model.h0 === "laplacian" ? -2 : 1,
      from: stream(options.seed, "phase_difficulty"),
    });
    if (options.json) {
      const tokens = pieces.length * (seqLen - 1);
      console.log(JSON.stringify({ text: name, windows: pieces.length, tokens, layers }, null, 2));
    } else {
      console.log(`${name}: ${pieces.length} windows of ${seqLen} tokens`);
      for (const { place, phase, shuffled } of layers) {
        console.log(`${place}: phase ${shown(phase)}; potential shuffled ${shown(shuffled)}`);
      }
    }
  } finally {
    backend.destroy();
  }
}

/** Windows of N tokens at even distances. */
function cut(ids: Int32Array, { count, seqLen }: {
  readonly count: number;
  readonly seqLen: number;
}): readonly Int32Array[] {
  const room = Math.floor(ids.length / seqLen);
  if (room < count) {
    throw new UsageError(
      `Cannot cut ${count} windows of ${seqLen} tokens from ${ids.length}: expected at most --windows ${room}`,
    );
  }
  return Array.from({ length: count }, (_, index) => {
    const first = Math.floor((index * room) / count) * seqLen;
    return ids.slice(first, first + seqLen);
  });
}

function shown({ rho, low, high }: Correlation): string {
  return `rho ${rho.toFixed(3)} (95 % ${low.toFixed(3)} to ${high.toFixed(3)})`;
}

if (import.meta.main) await runMain(() => phaseDifficultyCommand(Deno.args));
