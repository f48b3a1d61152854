/** Tokens and facts of a unit's data settings, loaded and verified once per process. */
import { type DatasetFacts, datasetFacts } from "../data/dataset_facts.ts";
import { CORPUS_IDS, isCorpusId } from "../data/corpora.ts";
import type { Corpus } from "../data/corpus.ts";
import { encodeParts } from "../data/encode_parts.ts";
import { fitTokenizer } from "../data/fit_tokenizer.ts";
import { loadCorpus } from "../data/load_corpus.ts";
import { loadUserCorpus } from "../data/load_user_corpus.ts";
import { splitCorpus } from "../data/split_corpus.ts";
import type { Tokenizer } from "../data/tokenizer.ts";
import { DataError } from "../errors.ts";
import type { DataSettings, TextSettings } from "../manifest/unit_config.ts";
import { loadTask, type TaskUnitData } from "./load_task.ts";

/** Where corpora are looked for, besides the installed packages. */
export interface DataPlaces {
  /** Folders that hold corpora, in order of search. */
  readonly dataDirs: readonly string[];
  /** File or folder of the corpus "user", given on the command line. */
  readonly userCorpus: string | null;
}

/** What a unit is trained and measured on. */
export type UnitData = TextUnitData | TaskUnitData;

/** Tokens of the training and validation parts of a text, and what is recorded about them. */
export interface TextUnitData {
  readonly kind: "text";
  readonly train: Int32Array;
  readonly valid: Int32Array;
  /** What made the tokens; a word vocabulary is counted on the training part alone. */
  readonly tokenizer: Tokenizer;
  readonly vocabularySize: number;
  /** UTF-8 bytes of the text of validation tokens 1..targets, those that a model is scored on. */
  readonly bytesOfTargets: (targets: number) => number;
  readonly facts: DatasetFacts;
  /** Floors of the validation part in nats per token. */
  readonly floors: { readonly unigram: number; readonly bigram: number };
}

/** Id of a corpus that the user brings. */
export const USER_CORPUS = "user";

/** Orders of the n-gram floors that stand beside every model. */
const MAX_ORDER = 2;

/**
 * What data settings name: a text, or a task that makes its own sequences. A corpus with other bytes than the
 * pinned ones is refused.
 *
 * @throws {DataError} If a corpus is missing or differs (the message has both digests), or the tokenizer cannot
 * write it
 */
export function loadUnitData(settings: TextSettings, places: DataPlaces): TextUnitData;
export function loadUnitData(settings: DataSettings, places: DataPlaces): UnitData;
export function loadUnitData(settings: DataSettings, places: DataPlaces): UnitData {
  return "task" in settings ? loadTask(settings.task) : loadText(settings, places);
}

function loadText(settings: TextSettings, places: DataPlaces): TextUnitData {
  const { id, sha256, split } = settings.corpus;
  const corpus = corpusOf({ id, sha256 }, places);
  const parts = splitCorpus(corpus, split);
  const tokenizer = fitTokenizer(settings.tokenizer, parts.train);
  const encoded = encodeParts(parts, tokenizer);
  const facts = datasetFacts(corpus, { parts, encoded, maxOrder: MAX_ORDER });
  const [unigram, bigram] = facts.floors.valid.map((floor) => floor.nats_per_token);
  const byteEnds = tokenizer.byteEnds(parts.valid);
  return {
    kind: "text",
    train: encoded.train,
    valid: encoded.valid,
    tokenizer,
    vocabularySize: tokenizer.vocabularySize,
    bytesOfTargets: (targets) => byteEnds[targets] - byteEnds[0],
    facts,
    floors: { unigram, bigram },
  };
}

function corpusOf(
  wanted: { readonly id: string; readonly sha256: string },
  places: DataPlaces,
): Corpus {
  const { id, sha256 } = wanted;
  if (id === USER_CORPUS) {
    if (places.userCorpus === null) {
      throw new DataError(
        `Cannot load corpus "${USER_CORPUS}" (SHA-256 ${sha256}): give its file or folder with --corpus`,
      );
    }
    return loadUserCorpus(places.userCorpus, { sha256 });
  }
  if (!isCorpusId(id)) {
    throw new DataError(
      `Cannot load corpus "${id}": expected one of ${CORPUS_IDS.join(", ")} or "${USER_CORPUS}"`,
    );
  }
  return loadCorpus({ id, sha256 }, { dataDirs: places.dataDirs });
}
