import { assert, assertEquals, assertRejects } from "@std/assert";
import { byteTokenizer } from "../../../core/data/byte_tokenizer.ts";
import { DataError, UsageError } from "../../../core/errors.ts";
import { webGpuBackend } from "../../../core/gpu/backend.ts";
import { referenceBackend } from "../../../core/reference/interpreter.ts";
import { fromCheckpoint } from "../../../core/run/from_checkpoint.ts";
import { loadModelFile } from "../../../core/run/model_file.ts";
import { streamingEvaluator } from "../../../core/run/streaming_evaluator.ts";
import { inFolder, saveSmallModel, SMALL_MODEL, SMALL_TRANSFORMER } from "../cli/_saved_model.ts";
import { meanOf, savedNats } from "./_saved_logits.ts";

const [adapter, double] = [await webGpuBackend(), referenceBackend({ precision: "f64" })];
globalThis.addEventListener("unload", () => adapter.destroy());

const IDS = byteTokenizer.encode(
  "Call me Ishmael. Some years ago, never mind how long precisely, having little or no money in my purse",
);

Deno.test("streamingEvaluator() gives the loss of one pass over the whole text, whatever the chunks", async () => {
  await inFolder(async (folder) => {
    const path = saveSmallModel(`${folder}/m.safetensors`, {
      settings: { ...SMALL_MODEL, eta_init: 0.02 },
      tokenizer: byteTokenizer,
    });
    for (const [backend, tolerance] of [[double, 1e-6], [adapter, 1e-5]] as const) {
      await using model = await fromCheckpoint(path, { backend });
      const want = meanOf(await savedNats(loadModelFile(path), { backend: double, ids: IDS }));
      for (const options of [{ chunkSize: 7 }, { chunkSize: 64, overlap: 16 }, {}]) {
        const { evaluateStreaming } = streamingEvaluator(model, options);
        const found = await evaluateStreaming(IDS);
        const error = Math.abs(found.loss - want);
        assert(error <= tolerance, `chunks of ${options.chunkSize}: off by ${error}`);
        assertEquals(found, {
          loss: found.loss,
          perplexity: Math.exp(found.loss),
          tokens: IDS.length - 1,
          chunks: Math.ceil((IDS.length - 1) / (options.chunkSize ?? 8192)),
          carriesState: true,
          leaks: false,
        });
      }
      // Without a state the loss is another one, so the agreement above is no accident.
      const apart = await model.evaluate(IDS.slice(0, 99), { seqLen: 7 });
      const { evaluateStreaming } = streamingEvaluator(model, { chunkSize: 7 });
      const joined = await evaluateStreaming(IDS, { maxTokens: 98 });
      assertEquals(joined.tokens, apart.tokens);
      assert(Math.abs(joined.loss - apart.loss) > 100 * tolerance, `both ${apart.loss}`);
    }
  });
});

Deno.test("streamingEvaluator() scores a transformer in windows, with the overlap as context alone", async () => {
  await inFolder(async (folder) => {
    const path = saveSmallModel(`${folder}/t.safetensors`, {
      settings: SMALL_TRANSFORMER,
      tokenizer: byteTokenizer,
    });
    await using model = await fromCheckpoint(path, { backend: double });
    for (const [chunkSize, overlap] of [[16, 0], [16, 5], [12, 11]] as const) {
      const nats: number[] = [];
      let chunks = 0;
      for (let from = 0; from + chunkSize < IDS.length; from += chunkSize - overlap) {
        const ids = IDS.slice(from, from + chunkSize + 1);
        const window = await savedNats(loadModelFile(path), { backend: double, ids });
        nats.push(...window.slice(from === 0 ? 0 : overlap));
        chunks++;
      }
      const found = await streamingEvaluator(model, { chunkSize, overlap }).evaluateStreaming(IDS);
      const error = Math.abs(found.loss - meanOf(nats));
      assert(error <= 1e-6, `windows of ${chunkSize} less ${overlap}: off by ${error}`);
      assertEquals([found.tokens, found.chunks, found.carriesState], [nats.length, chunks, false]);
    }
  });
});

Deno.test("evaluateFile() scores a file as its ids, and refuses what is no text", async () => {
  await inFolder(async (folder) => {
    const path = saveSmallModel(`${folder}/m.safetensors`, {
      settings: SMALL_MODEL,
      tokenizer: byteTokenizer,
    });
    const text = "Whenever it is a damp, drizzly November in my soul;\n".repeat(80);
    await Deno.writeTextFile(`${folder}/text.txt`, text);
    await using model = await fromCheckpoint(path, { backend: adapter });
    const evaluator = streamingEvaluator(model, { chunkSize: 1024 });
    const found = await evaluator.evaluateFile(`${folder}/text.txt`);
    assertEquals(found, await evaluator.evaluateStreaming(byteTokenizer.encode(text)));
    assertEquals([found.tokens, found.chunks], [80 * 52 - 1, 5]);
    const missing = () => evaluator.evaluateFile(`${folder}/none.txt`);
    await assertRejects(missing, DataError, "no such file");
    const one = () => evaluator.evaluateStreaming(Int32Array.of(1));
    await assertRejects(one, DataError, "1 tokens");
    const none = () => evaluator.evaluateStreaming(IDS, { maxTokens: 0 });
    await assertRejects(none, UsageError, "at maxTokens");
    for (const options of [{ chunkSize: 0 }, { chunkSize: 8, overlap: 8 }, { overlap: -1 }]) {
      const wrong = () => streamingEvaluator(model, options).evaluateStreaming(IDS);
      await assertRejects(wrong, UsageError, "Cannot score a text: at ");
    }
  });
});
