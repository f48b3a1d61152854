import { DEVICE_CHOICES } from "../run/open_backend.ts";
import { KEY_OF_NAME, type TrainKey } from "./train_keys.ts";
import type { CommandSpec, OptionSpec, OptionSpecs, OptionValues } from "./option_spec.ts";

/** Options that are no settings of the model, the data or the training. */
const OWN = {
  config: {
    kind: "string",
    description: "settings in YAML: sections model, training, data, memory_optimization",
    placeholder: "file",
  },
  corpus: {
    kind: "string",
    description: "your own text instead of --dataset: a file or a folder of .txt files",
    placeholder: "path",
  },
  dataDir: {
    kind: "string",
    description: "folder searched for corpora first; also RESNET_BK_DATA",
    placeholder: "folder",
  },
  saveDir: {
    kind: "string",
    description: "where everything is written; checkpoints/<name of the file> without it",
    placeholder: "folder",
  },
  maxSteps: {
    kind: "number",
    description: "stop after this many updates; the plan and its learning rates stay the same",
    integer: true,
    minimum: 1,
  },
  logInterval: {
    kind: "number",
    description: "updates between lines",
    integer: true,
    minimum: 1,
    default: 50,
  },
  saveInterval: {
    kind: "number",
    description: "seconds between checkpoints",
    minimum: 0,
    default: 300,
  },
  device: {
    kind: "string",
    description: "backend that runs the plans; auto is webgpu, never a fallback",
    choices: DEVICE_CHOICES,
    default: "auto",
  },
  profilePhases: {
    kind: "boolean",
    description: "time forward, backward and optimiser first; the columns are empty without it",
  },
  dryRun: { kind: "boolean", description: "print the plan with predicted hours and stop" },
  restart: { kind: "boolean", description: "start anew where the folder holds another run" },
  json: { kind: "boolean", description: "print one JSON document on standard output" },
} as const satisfies OptionSpecs;

/** Command line of `deno task train`: its own options, then every setting under all of its names. */
export const TRAIN: CommandSpec<typeof OWN> = {
  name: "train",
  summary: "Train a model on a text and save it. The same command again goes on where it stopped.",
  options: { ...OWN, ...settingOptions() },
  examples: [
    "deno task train --config docs/examples/small_model.yaml",
    "deno task train --config docs/examples/my_first_model.yaml --max-steps 20 --log-interval 5",
    "deno task train --config-preset sound --epochs 5 --d-model 128 --n-layers 8 --dry-run",
  ],
};

export type TrainOptions = OptionValues<typeof OWN>;

/** A setting that the command line gives. */
export interface GivenSetting {
  readonly key: TrainKey;
  /** As it was named, "--d-model". */
  readonly flag: string;
  readonly value: boolean | number | string;
}

/** The settings among the options of a command line that has been read. */
export function givenSettings(
  options: Readonly<Record<string, unknown>>,
  args: readonly string[],
): readonly GivenSetting[] {
  return Array.from(KEY_OF_NAME).flatMap(([word, key]): readonly GivenSetting[] => {
    const flag = `--${word.replaceAll("_", "-")}`;
    const value = options[camel(word)];
    if (key.type !== "flag") {
      return typeof value === "number" || typeof value === "string" ? [{ key, flag, value }] : [];
    }
    if (value === true) return [{ key, flag, value }];
    // A flag that is absent reads as false, too.
    return isSwitchedOff(args, word) ? [{ key, flag, value: false }] : [];
  });
}

function isSwitchedOff(args: readonly string[], word: string): boolean {
  return args.map((argument) => argument.replaceAll("-", "_"))
    .some((argument) => argument === `__no_${word}` || argument === `__${word}=false`);
}

function settingOptions(): Readonly<Record<string, OptionSpec>> {
  return Object.fromEntries(
    Array.from(KEY_OF_NAME, ([word, key]) => [camel(word), optionOf(word, key)]),
  );
}

function optionOf(word: string, key: TrainKey): OptionSpec {
  const description = word !== key.name
    ? `the same as --${key.name.replaceAll("_", "-")}`
    : key.needs === undefined
    ? key.description
    : `${key.description}; not available yet`;
  switch (key.type) {
    case "flag":
      return { kind: "boolean", description };
    case "number":
      return { kind: "number", description };
    case "text":
      return { kind: "string", description };
  }
}

/** "d_model" → "dModel", whose flag is --d-model. */
function camel(word: string): string {
  return word.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
}
