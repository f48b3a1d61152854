import { assert, assertEquals } from "@std/assert";
import { fitTokenizer } from "../../../core/data/fit_tokenizer.ts";
import {
  evaluateModel,
  type ModelEvaluation,
  type ScoredText,
} from "../../../core/run/evaluate_model.ts";
import { loadModelFile } from "../../../core/run/model_file.ts";
import { openBackend } from "../../../core/run/open_backend.ts";
import { inFolder, saveSmallModel, SMALL_MODEL } from "../cli/_saved_model.ts";

function partOf(text: string): ScoredText["part"] {
  return { bytes: new TextEncoder().encode(text), documentEnds: [] };
}

// 12 words a, 6 b, 2 c; the vocabulary is <unk>, <eod>, a, b, c, V = 5.
const TRAIN = partOf("a a b ".repeat(6) + "c c");
// 16 tokens are scored in the first window: b, then 14 a, then c; in the second 8 of 16 are unknown.
const SCORED = partOf("a b " + "a ".repeat(14) + "c " + "x a ".repeat(8));
const WORDS = fitTokenizer({ kind: "word", vocab: 8, text: "raw" }, TRAIN);

async function scored(
  folder: string,
  { evalTokens, settings = {} }: {
    readonly evalTokens?: number;
    readonly settings?: Readonly<Record<string, string>>;
  },
): Promise<ModelEvaluation> {
  const path = saveSmallModel(`${folder}/m.safetensors`, {
    settings: { ...SMALL_MODEL, ...settings },
    tokenizer: WORDS,
  });
  const backend = await openBackend("reference");
  const text = { part: SCORED, train: TRAIN };
  return await evaluateModel(loadModelFile(path), {
    ...{ backend, batchSize: 2, seqLen: 16, text, evalTokens },
  });
}

Deno.test("evaluateModel() takes unknown rate and floors of the tokens that are scored, by hand", async () => {
  await inFolder(async (folder) => {
    const first = await scored(folder, { evalTokens: 16 });
    assertEquals([first.tokens, first.unknownRate, first.vocabularySize], [16, 0, 5]);
    assertEquals(first.floorTokens, 20);
    // Add-one: p(a) = 13/25, p(b) = 7/25, p(c) = 3/25.
    const unigram = -(Math.log(7 / 25) + 14 * Math.log(13 / 25) + Math.log(3 / 25)) / 16;
    assert(Math.abs(first.floors![0].natsPerToken - unigram) <= 1e-14, `want ${unigram}`);
    // Witten-Bell: after a stand 6 a and 6 b, T = 2; after b 5 a and 1 c, T = 2.
    const ab = (6 + 2 * 7 / 25) / 14;
    const ba = (5 + 2 * 13 / 25) / 8;
    const aa = (6 + 2 * 13 / 25) / 14;
    const ac = (0 + 2 * 3 / 25) / 14;
    const bigram = -(Math.log(ab) + Math.log(ba) + 13 * Math.log(aa) + Math.log(ac)) / 16;
    assert(Math.abs(first.floors![1].natsPerToken - bigram) <= 1e-14, `want ${bigram}`);
    const all = await scored(folder, {});
    assertEquals([all.tokens, all.unknownRate], [32, 0.25]);
  });
});

Deno.test("evaluateModel() flags bits per byte of words as a lower bound", async () => {
  await inFolder(async (folder) => {
    assertEquals((await scored(folder, {})).bitsPerByteIsLowerBound, true);
  });
});
