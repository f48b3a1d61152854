/**
 * `deno task prepare-data`: verifies a corpus, writes its parts to a folder and prints digests,
 * split and n-gram floors.
 */
import { byteTokenizer } from "../data/byte_tokenizer.ts";
import { CORPORA, CORPUS_IDS, type CorpusSpec, isCorpusId } from "../data/corpora.ts";
import type { Corpus } from "../data/corpus.ts";
import { type DatasetFacts, datasetFacts, type FloorFact } from "../data/dataset_facts.ts";
import { encodeParts } from "../data/encode_parts.ts";
import { loadCorpus } from "../data/load_corpus.ts";
import { loadUserCorpus } from "../data/load_user_corpus.ts";
import { MAXIMUM_ORDER } from "../data/ngram_floors.ts";
import { PART_NAMES, type SplitCorpus, splitCorpus } from "../data/split_corpus.ts";
import { UsageError } from "../errors.ts";
import { knownWords } from "../manifest/did_you_mean.ts";
import { parseArguments } from "./args.ts";
import { dataDirectories } from "./data_directories.ts";
import { runMain } from "./main.ts";
import type { CommandSpec, OptionValues } from "./option_spec.ts";
import { type OutputFiles, writeOutputFiles } from "./write_output_files.ts";

const OPTIONS = {
  dataset: { kind: "string", placeholder: "id", description: "corpus of the registry, see --list" },
  corpus: {
    kind: "string",
    placeholder: "path",
    description: "your own text: a file or a folder of .txt files",
  },
  output: {
    kind: "string",
    placeholder: "dir",
    description: "folder for train.txt, valid.txt, test.txt, dataset.json",
  },
  split: {
    kind: "string",
    placeholder: "name",
    description: "split, the corpus's default one unless given",
  },
  sha256: { kind: "string", placeholder: "hex", description: "digest the whole text must have" },
  dataDir: {
    kind: "string",
    placeholder: "dir",
    description: "folder with <id>/ inside, searched before RESNET_BK_DATA and the packages",
  },
  floors: {
    kind: "number",
    integer: true,
    minimum: 1,
    maximum: MAXIMUM_ORDER,
    default: 2,
    placeholder: "order",
    description: "largest order of the n-gram floors",
  },
  force: { kind: "boolean", description: "overwrite other content in the output folder" },
  list: { kind: "boolean", description: "print the registry and stop" },
  json: { kind: "boolean", description: "print the result as JSON" },
} as const;

const COMMAND: CommandSpec<typeof OPTIONS> = {
  name: "prepare-data",
  summary: "Verify a corpus and write its training, validation and test part.",
  options: OPTIONS,
  examples: [
    "deno task prepare-data --dataset sotu --output data/sotu",
    "deno task prepare-data --corpus notes.txt --output data/notes",
  ],
};

type Options = OptionValues<typeof OPTIONS>;

/**
 * Runs the command line and prints its result on standard output.
 * @throws {UsageError | DataError | StoreError} As the exit codes in README say
 */
export function prepareData(
  args: readonly string[],
  print: (text: string) => void = (text) => console.log(text),
): void {
  const parsed = parseArguments(args, COMMAND);
  if (parsed.kind === "help") return print(parsed.text);
  const { options } = parsed;
  if (options.list) {
    return print(options.json ? JSON.stringify(registry(), null, 2) : listing());
  }
  const corpus = corpusOf(options);
  if (options.output === undefined) {
    throw new UsageError("prepare-data: option --output is required; give a folder for the parts");
  }
  const parts = splitCorpus(corpus, options.split);
  const encoded = encodeParts(parts, byteTokenizer);
  const facts = datasetFacts(corpus, { parts, encoded, maxOrder: options.floors });
  const files = filesOf(parts, facts);
  const written = writeOutputFiles(options.output, { files, force: options.force });
  const result = { output: options.output, written, ...facts };
  print(options.json ? JSON.stringify(result, null, 2) : summary(result));
}

function corpusOf({ dataset, corpus, sha256, dataDir }: Options): Corpus {
  if ((dataset === undefined) === (corpus === undefined)) {
    const got = dataset === undefined ? "neither" : "both";
    throw new UsageError(
      `prepare-data: expected one of --dataset <id> or --corpus <path>, got ${got}; ` +
        knownWords("", CORPUS_IDS),
    );
  }
  const pinned = sha256 === undefined ? {} : { sha256 };
  if (corpus !== undefined) {
    if (dataDir === undefined) return loadUserCorpus(corpus, pinned);
    throw new UsageError("prepare-data: --data-dir goes with --dataset, --corpus is a path itself");
  }
  const id = dataset ?? "";
  if (isCorpusId(id)) {
    return loadCorpus({ id, ...pinned }, { dataDirs: dataDirectories(dataDir) });
  }
  throw new UsageError(
    `prepare-data: unknown dataset "${id}"; ${knownWords(id, CORPUS_IDS)}; ` +
      "your own text goes through --corpus <path>",
  );
}

function filesOf(parts: SplitCorpus, facts: DatasetFacts): OutputFiles {
  const texts = PART_NAMES.map((name) => [`${name}.txt`, parts[name]?.bytes ?? null] as const);
  const json = new TextEncoder().encode(`${JSON.stringify(facts, null, 2)}\n`);
  return new Map([...texts, ["dataset.json", json]]);
}

function registry(): unknown {
  return CORPUS_IDS.map((id) => {
    const { title, licence, package: source, text, splits, defaultSplit }: CorpusSpec = CORPORA[id];
    const names = Object.keys(splits);
    return {
      id,
      title,
      licence,
      package: source,
      text,
      splits: names,
      default_split: defaultSplit,
    };
  });
}

function listing(): string {
  return CORPUS_IDS.map((id) => {
    const spec: CorpusSpec = CORPORA[id];
    const splits = Object.keys(spec.splits)
      .map((name) => name === spec.defaultSplit ? `${name} (default)` : name);
    return [
      `${id}: ${spec.title}, ${spec.licence}`,
      `  source  ${spec.package ?? `<data-dir>/${id}/, supplied by you`}`,
      `  text    ${spec.text.bytes} bytes, sha256 ${spec.text.sha256}`,
      `  splits  ${splits.join(", ")}`,
    ].join("\n");
  }).join("\n");
}

function summary(
  result: DatasetFacts & { readonly output: string; readonly written: readonly string[] },
): string {
  const { parts, floors, text } = result;
  const lines = PART_NAMES.flatMap((name) => {
    const pin = parts[name];
    return pin === null
      ? []
      : [`  ${name.padEnd(6)} ${String(pin.bytes).padStart(9)} bytes  sha256 ${pin.sha256}`];
  });
  return [
    `corpus  ${result.id}: ${result.title}, documents: ${result.documents}, licence: ${result.licence}`,
    `  text   ${String(text.bytes).padStart(9)} bytes  sha256 ${text.sha256}`,
    `split   ${result.split}`,
    ...lines,
    "floors  nats per byte (bits per byte), n-grams counted on train",
    `  valid  ${floorText(floors.valid)}`,
    ...(floors.test === null ? [] : [`  test   ${floorText(floors.test)}`]),
    `output  ${result.output}: ${
      result.written.length === 0 ? "unchanged" : `wrote ${result.written.join(", ")}`
    }`,
  ].join("\n");
}

function floorText(floors: readonly FloorFact[]): string {
  return floors
    .map(({ order, nats_per_byte, bits_per_byte }) =>
      `${order}-gram ${nats_per_byte.toFixed(4)} (${bits_per_byte.toFixed(4)})`
    )
    .join("  ");
}

if (import.meta.main) await runMain(() => prepareData(Deno.args));
