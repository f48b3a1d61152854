/** `deno task generate`: a saved model writes on from a prompt. */
import { UsageError } from "../errors.ts";
import { requireCausal } from "../evaluate/window_stream.ts";
import { modelOf } from "../models/registry.ts";
import type { Backend } from "../plan/backend.ts";
import { systemClock } from "../run/clock.ts";
import type { ModelFile } from "../run/model_file.ts";
import { modelPath } from "../run/model_path.ts";
import { openModelFile } from "../run/open_model_file.ts";
import { backendNameOf, type DeviceChoice, openBackend } from "../run/open_backend.ts";
import { promptIds } from "../run/prompt_ids.ts";
import { type GeneratedToken, writtenTokens } from "../run/written_tokens.ts";
import { parseArguments } from "./args.ts";
import { runMain } from "./main.ts";
import { onInterrupt } from "./on_interrupt.ts";
import type { CommandSpec, OptionSpecs, OptionValues } from "./option_spec.ts";
import { SHARED_OPTIONS } from "./shared_options.ts";

const GENERATE = {
  name: "generate",
  summary: "Let a saved model write on from a prompt. The text appears as it is written; " +
    "the same seed gives the same text.\nMemory and time per token do not grow with the text. " +
    "A model that cannot carry a state, a transformer say, reads its\nlast window again for every token.",
  options: {
    checkpoint: SHARED_OPTIONS.checkpoint,
    prompt: { kind: "string", description: "text to go on from", required: true },
    temperature: {
      kind: "number",
      description: "below 1 bolder about what is probable; 0 takes the most probable token",
      minimum: 0,
      default: 0.8,
    },
    topK: {
      kind: "number",
      description: "draw among so many most probable tokens; without it all",
      integer: true,
      minimum: 1,
    },
    topP: {
      kind: "number",
      description: "draw among the fewest most probable tokens of this probability",
      default: 0.9,
    },
    seed: {
      kind: "number",
      description: "of the random numbers",
      integer: true,
      minimum: 0,
      maximum: 4294967295,
      default: 42,
    },
    maxLength: {
      kind: "number",
      description: "tokens to write, the prompt not counted",
      integer: true,
      minimum: 1,
      maximum: 4294967295,
      default: 100,
    },
    device: SHARED_OPTIONS.device,
    json: { kind: "boolean", description: "print one JSON document at the end" },
  },
  examples: [
    'deno task generate --checkpoint checkpoints/small_model --prompt "My fellow citizens"',
    'deno task generate --checkpoint model.safetensors --prompt "Call me" --temperature 0 --max-length 20',
  ],
} as const satisfies CommandSpec<OptionSpecs>;

type GenerateOptions = OptionValues<typeof GENERATE.options>;

/** The outside world of the command, injected so that tests can watch it. */
export interface GenerateWorld {
  /** Takes text as it is written. False: nobody reads it any more. @default standard output */
  readonly write?: (text: string) => boolean;
  /** @default console.log */
  readonly print?: (line: string) => void;
  /** @default console.error */
  readonly say?: (line: string) => void;
}

/**
 * Runs the command and returns its exit code: 0 done, 130 or 143 stopped by a signal.
 *
 * @throws {UsageError} On settings out of their range, an empty prompt, or a model whose tokens see later ones
 * @throws {UsageError} If there is no model at the path
 * @throws {StoreError} If the model is damaged or of another version
 * @throws {ManifestError} If the module of its mixer is missing or changed
 * @throws {NumericError} If a logit is not finite
 * @throws {NoAdapterError} If webgpu is asked for and there is no adapter
 */
export async function generate(
  args: readonly string[],
  world: GenerateWorld = {},
): Promise<number> {
  const { write = writeOut, print = (line) => console.log(line) } = world;
  const { say = (line) => console.error(line) } = world;
  const read = parseArguments(args, GENERATE);
  if (read.kind === "help") {
    print(read.text);
    return 0;
  }
  const { options } = read;
  const { json, prompt, topP } = options;
  if (!(topP > 0 && topP <= 1)) {
    throw new UsageError(`Option --top-p: expected a number > 0 and <= 1, got "${topP}"`);
  }
  const file = await openModelFile(modelPath(options.checkpoint));
  requireCausal(file.model);
  const ids = promptIds(file.tokenizer, options);
  if (!json) headLines(file, ids).forEach(say);
  const backend = await openBackend(backendNameOf(options.device as DeviceChoice));
  try {
    const show = (text: string): boolean => json || text === "" || write(text);
    show(prompt);
    const begin = systemClock.seconds();
    const written = await writeOn(file, { options, backend, show });
    show("\n");
    if (json) print(JSON.stringify(resultJson(written, { file, options, ids }), null, 2));
    else say(endLine(written, systemClock.seconds() - begin));
    return written.exitCode;
  } finally {
    backend.destroy();
  }
}

/** What was written until the end, or until something stopped it. */
interface Written {
  readonly tokens: readonly GeneratedToken[];
  readonly exitCode: number;
}

function endLine({ tokens, exitCode }: Written, seconds: number): string {
  return `${exitCode === 0 ? "wrote" : "stopped after"} ${tokens.length} tokens in ${
    seconds.toFixed(1)
  } s`;
}

function headLines(
  { model, step, tokenizer, seqLen }: ModelFile,
  ids: Int32Array,
): readonly string[] {
  const unknown = ids.filter((id) => id === tokenizer.unknownId).length;
  const reason = modelOf(model).noStream(model);
  return [
    `${model.kind}, step ${step}, trained at ${seqLen} tokens; prompt of ${ids.length} ${tokenizer.kind} tokens` +
    (unknown === 0 ? "" : `, ${unknown} of them unknown to the model`),
    ...(reason === undefined
      ? []
      : [`a window of ${seqLen} tokens is read again for every token: ${reason}`]),
  ];
}

/** Writes until the length is reached, a signal comes, or `show` gives false. */
async function writeOn(file: ModelFile, { options, backend, show }: {
  readonly options: GenerateOptions;
  readonly backend: Backend;
  readonly show: (text: string) => boolean;
}): Promise<Written> {
  const stop = new AbortController();
  let exitCode = 0;
  const release = onInterrupt({
    first: (code) => {
      exitCode = code;
      stop.abort();
    },
  });
  const tokens: GeneratedToken[] = [];
  try {
    for await (const token of writtenTokens(file, { backend, how: options, signal: stop.signal })) {
      tokens.push(token);
      if (!show(token.text)) break;
    }
    return { tokens, exitCode };
  } finally {
    release();
  }
}

function resultJson({ tokens, exitCode }: Written, { file, options, ids }: {
  readonly file: ModelFile;
  readonly options: GenerateOptions;
  /** Of the prompt. */
  readonly ids: Int32Array;
}): Readonly<Record<string, unknown>> {
  return {
    prompt: options.prompt,
    text: tokens.map(({ text }) => text).join(""),
    prompt_tokens: [...ids],
    tokens: tokens.map(({ id }) => id),
    temperature: options.temperature,
    top_k: options.topK ?? null,
    top_p: options.topP,
    seed: options.seed,
    max_length: options.maxLength,
    stopped: exitCode !== 0,
    model: file.model.kind,
    step: file.step,
  };
}

function writeOut(text: string): boolean {
  const bytes = new TextEncoder().encode(text);
  try {
    for (let at = 0; at < bytes.length;) at += Deno.stdout.writeSync(bytes.subarray(at));
    return true;
  } catch (error) {
    // A reader that has seen enough, head say, is no failure.
    if (error instanceof Deno.errors.BrokenPipe) return false;
    throw error;
  }
}

if (import.meta.main) await runMain(() => generate(Deno.args));
