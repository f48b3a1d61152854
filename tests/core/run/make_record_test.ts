import { assert, assertEquals } from "@std/assert";
import { loadCorpus } from "../../../core/data/load_corpus.ts";
import { splitCorpus } from "../../../core/data/split_corpus.ts";
import { readManifest } from "../../../core/manifest/read_manifest.ts";
import { resolveManifest } from "../../../core/manifest/resolve_manifest.ts";
import { systemClock } from "../../../core/run/clock.ts";
import { loadUnitData } from "../../../core/run/load_unit_data.ts";
import { openBackend } from "../../../core/run/open_backend.ts";
import { planCampaign } from "../../../core/run/plan_campaign.ts";
import { runUnit } from "../../../core/run/run_unit.ts";
import type { RunRecord } from "../../../core/store/record.ts";
import { Store } from "../../../core/store/store.ts";
import { inFolder, TINY } from "./_tiny.ts";

/** Targets scored in the profile "short". */
const TARGETS = 64;

/** The record of one unit of the tiny manifest with another tokenizer. */
async function recordWith(tokenizer: string): Promise<RunRecord> {
  const text = Deno.readTextFileSync(TINY).replace("{ kind: byte }", tokenizer);
  const source = readManifest(TINY, { readText: () => text });
  const resolved = resolveManifest(source, { profile: "short" });
  const data = loadUnitData(resolved.manifest.data, { dataDirs: [], userCorpus: null });
  const backend = await openBackend("webgpu");
  try {
    let record: RunRecord | undefined;
    await inFolder(async (folder) => {
      const store = Store.open(folder, { create: true });
      const { jobs: [job] } = await planCampaign(resolved, { store, backend: "webgpu" });
      record = await runUnit(job, {
        ...{ store, backend, data, clock: systemClock, host: "here" },
        ...{ onProgress: () => {}, signal: new AbortController().signal },
      });
    });
    return record!;
  } finally {
    backend.destroy();
  }
}

Deno.test("makeRecord() gives bits per byte of the scored text, words", async () => {
  const { metrics, data } = await recordWith("{ kind: word, vocab: 300, text: raw }");
  const text = new TextDecoder().decode(splitCorpus(loadCorpus({ id: "moby-dick" })).valid.bytes);
  // The words again, cut by hand: the text of the targets reaches from behind word 0 to behind word 64.
  const word = /[A-Za-z]+(?:['’][A-Za-z]+)*|\d+(?:[.,]\d+)*|[^\sA-Za-z\d]/gu;
  const ends = [...text.matchAll(word)].map((match) => match.index + match[0].length);
  const bytes = new TextEncoder().encode(text.slice(ends[0], ends[TARGETS])).length;
  const want = metrics.val_loss!.value * TARGETS / (bytes * Math.LN2);
  assert(Math.abs(metrics.bits_per_byte!.value / want - 1) <= 1e-15, `${want} over ${bytes} bytes`);
  // An untrained model guesses among 300 words: about ln 300 nats, and some bytes to each word.
  assert(Math.abs(metrics.val_loss!.value / Math.log(300) - 1) < 0.05);
  const facts = data as unknown as Readonly<Record<string, unknown>>;
  assertEquals([facts.tokenizer, facts.vocabulary_size], ["word", 300]);
});

Deno.test("makeRecord() gives bits per byte that are loss / ln 2, bytes", async () => {
  const { metrics } = await recordWith("{ kind: byte }");
  assertEquals(metrics.bits_per_byte!.value, metrics.val_loss!.value / Math.LN2);
});
