/** The text that a saved model is looked at on: a part of its own corpus, or another text. */
import { isCorpusId } from "../data/corpora.ts";
import type { Corpus } from "../data/corpus.ts";
import { loadCorpus } from "../data/load_corpus.ts";
import { loadUserCorpus } from "../data/load_user_corpus.ts";
import { type PartName, splitCorpus } from "../data/split_corpus.ts";
import { DataError } from "../errors.ts";
import type { ScoredText } from "../run/evaluate_model.ts";
import type { ModelFile } from "../run/model_file.ts";
import { dataDirectories } from "./data_directories.ts";

/** Parts that can be scored; `all` is for a text that the model was not trained on. */
export const PARTS = ["valid", "test", "train", "all"] as const;

/** What a command says about the text. */
export interface TextOptions {
  /** Part of the text. */
  readonly split?: string | undefined;
  /** A text of the user's own. */
  readonly corpus?: string | undefined;
  /** Folder searched for corpora first. */
  readonly dataDir?: string | undefined;
}

export interface NamedText {
  /** Corpus and part, "sotu/interleave valid". */
  readonly name: string;
  readonly text: ScoredText;
}

/** The text to score, and the one to count n-grams on where it is at hand. */
export function modelText(file: ModelFile, options: TextOptions): NamedText {
  const { corpus: trained } = file;
  const own = options.corpus === undefined ? null : loadUserCorpus(options.corpus);
  const known = isCorpusId(trained.id)
    ? loadCorpus({ id: trained.id, sha256: trained.sha256 }, {
      dataDirs: dataDirectories(options.dataDir),
    })
    : own?.sha256 === trained.sha256
    ? own
    : null;
  const train = known && splitCorpus(known, trained.split).train;
  const corpus = own ?? known;
  if (corpus === null) {
    throw new DataError(
      `Cannot find the text that the model was trained on, sha256 ${trained.sha256}: it is your own; give it, or ` +
        `another text, with --corpus <path>`,
    );
  }
  const isTrained = corpus.sha256 === trained.sha256;
  const part = (options.split ?? (isTrained ? "valid" : "all")) as PartName | "all";
  if (part === "all") {
    const { bytes, documents } = corpus;
    const documentEnds = documents.map(({ end }) => end);
    return { name: `${corpus.title}, all`, text: { part: { bytes, documentEnds }, train } };
  }
  const split = isTrained ? trained.split : corpus.defaultSplit;
  const name = `${corpus.title}, ${part} of split ${split}`;
  return { name, text: { part: partOf(corpus, { split, part }), train } };
}

function partOf(
  corpus: Corpus,
  { split, part }: { readonly split: string; readonly part: PartName },
): ScoredText["part"] {
  const found = splitCorpus(corpus, split)[part];
  if (found !== null) return found;
  throw new DataError(
    `Cannot score the ${part} part of "${corpus.title}": its split "${split}" has none; use --split valid`,
  );
}
