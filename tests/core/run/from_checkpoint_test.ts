import { assert, assertEquals, assertNotEquals, assertRejects, assertThrows } from "@std/assert";
import { generate } from "../../../core/cli/generate.ts";
import { byteTokenizer } from "../../../core/data/byte_tokenizer.ts";
import { wordTokenizer } from "../../../core/data/word_tokenizer.ts";
import { DataError, UsageError } from "../../../core/errors.ts";
import { webGpuBackend } from "../../../core/gpu/backend.ts";
import { referenceBackend } from "../../../core/reference/interpreter.ts";
import { fromCheckpoint, type FromCheckpointOptions } from "../../../core/run/from_checkpoint.ts";
import { loadModelFile } from "../../../core/run/model_file.ts";
import type { CheckpointGenerateOptions } from "../../../core/run/written_tokens.ts";
import { inFolder, saveSmallModel, SMALL_MODEL, SMALL_TRANSFORMER } from "../cli/_saved_model.ts";
import { meanOf, savedLogits, savedNats } from "./_saved_logits.ts";

const [adapter, double] = [await webGpuBackend(), referenceBackend({ precision: "f64" })];
globalThis.addEventListener("unload", () => adapter.destroy());

const TEXT = "Call me Ishmael. Some years ago, never mind how long precisely";

Deno.test("fromCheckpoint() opens a file and a folder, and generates what the command writes", async () => {
  await inFolder(async (folder) => {
    const path = saveSmallModel(`${folder}/checkpoint_final.safetensors`, {
      settings: SMALL_MODEL,
      tokenizer: byteTokenizer,
    });
    const printed: string[] = [];
    const args = ["--checkpoint", path, "--prompt", "Größe: ", "--max-length", "40", "--json"];
    const more = ["--top-k", "200", "--temperature", "1.5", "--top-p", "0.95", "--seed", "7"];
    await generate([...args, ...more], { print: (line) => printed.push(line), say: () => {} });
    const { text, tokens } = JSON.parse(printed.join(""));
    const options = { maxLength: 40, temperature: 1.5, topK: 200, topP: 0.95, seed: 7 };
    await using model = await fromCheckpoint(folder, { backend: adapter });
    const written = await model.generate({ prompt: "Größe: ", ...options });
    assertEquals({ text: written.text, tokens: [...written.ids] }, { text, tokens });
    const inputIds = [...byteTokenizer.encode("Größe: ")];
    assertEquals(await model.generate({ inputIds, ...options }), written);
    const pieces = await Array.fromAsync(model.generateTokens({ inputIds, ...options }));
    assertEquals(pieces.map(({ id }) => id), tokens);
    assertEquals(pieces.map((piece) => piece.text).join(""), text);
    // Any array of integers will do.
    const wide = Float64Array.from(inputIds);
    assertEquals(await model.generate({ inputIds: wide, ...options }), written);
    const other = await model.generate({ inputIds, ...options, seed: 8 });
    assertNotEquals([...other.ids], tokens);
  });
});

Deno.test("generate() at temperature 0 writes the largest logits of full forward passes", async () => {
  for (const settings of [SMALL_MODEL, SMALL_TRANSFORMER]) {
    await inFolder(async (folder) => {
      const path = saveSmallModel(`${folder}/m.safetensors`, {
        settings,
        tokenizer: byteTokenizer,
      });
      await using model = await fromCheckpoint(path, { backend: double });
      let tokens = byteTokenizer.encode("Call me");
      const { ids } = await model.generate({ inputIds: tokens, maxLength: 8, temperature: 0 });
      for (const id of ids) {
        const [last] = (await savedLogits(loadModelFile(path), { backend: double, tokens })).slice(
          -1,
        );
        assertEquals(id, last.indexOf(Math.max(...last)), settings.kind);
        tokens = Int32Array.of(...tokens, id);
      }
    });
  }
});

Deno.test("generateTokens() stops with the loop that reads it", async () => {
  await inFolder(async (folder) => {
    const words = ["<unk>", "<eod>", "call", "me", "Ishmael"];
    const path = saveSmallModel(`${folder}/m.safetensors`, {
      settings: SMALL_MODEL,
      tokenizer: wordTokenizer({ text: "raw", words }),
    });
    await using model = await fromCheckpoint(path, { backend: double });
    const seen: string[] = [];
    for await (const { text } of model.generateTokens({ prompt: "call me" })) {
      if (seen.push(text) === 3) break;
    }
    const { ids, text } = await model.generate({ prompt: "call me", maxLength: 5 });
    assert(text.startsWith(seen.join("")), `${text} does not begin with ${seen.join("")}`);
    assertEquals(ids.length, 5);
  });
});

Deno.test("evaluate() gives the loss by definition, of a text and of its ids, to the tokens asked for", async () => {
  await inFolder(async (folder) => {
    const path = saveSmallModel(`${folder}/m.safetensors`, {
      settings: SMALL_MODEL,
      tokenizer: byteTokenizer,
    });
    const ids = byteTokenizer.encode(TEXT);
    for (const [backend, tolerance] of [[double, 1e-6], [adapter, 1e-5]] as const) {
      await using model = await fromCheckpoint(path, { backend });
      // Two windows of 16 and 30 bytes that do not fill a third one: windows 0..16 and 16..32.
      const windows = [ids.slice(0, 17), ids.slice(16, 33)];
      const nats = [];
      for (const window of windows) {
        nats.push(...await savedNats(loadModelFile(path), { backend: double, ids: window }));
      }
      const want = meanOf(nats);
      const found = await model.evaluate(TEXT.slice(0, 46), { batchSize: 3 });
      assert(Math.abs(found.loss - want) <= tolerance, `got ${found.loss}, want ${want}`);
      assertEquals([found.tokens, found.perplexity, found.bitsPerByte], [
        32,
        Math.exp(found.loss),
        found.loss / Math.LN2, // a token is a byte
      ]);
      const all = await model.evaluate(TEXT, { batchSize: 3 });
      const same = await model.evaluate(ids, { batchSize: 3 });
      assertEquals([same.loss, same.tokens, same.bitsPerByte], [all.loss, 48, null]);
      for (const text of [TEXT, ids]) {
        const few = await model.evaluate(text, { seqLen: 8, evalTokens: 9 });
        const [first] = [ids.slice(0, 9)];
        const eight = meanOf(await savedNats(loadModelFile(path), { backend: double, ids: first }));
        assert(Math.abs(few.loss - eight) <= tolerance, `got ${few.loss}, want ${eight}`);
        assertEquals(few.tokens, 8);
      }
    }
  });
});

Deno.test("evaluate() says that a model leaks, and generate() refuses to write on with it", async () => {
  await inFolder(async (folder) => {
    const path = saveSmallModel(`${folder}/p.safetensors`, {
      settings: { ...SMALL_MODEL, mode: "paper" },
      tokenizer: byteTokenizer,
    });
    await using model = await fromCheckpoint(path, { backend: double });
    assertEquals((await model.evaluate(TEXT)).leaks, true);
    const write = () => model.generate({ prompt: "a" });
    await assertRejects(write, UsageError, "its tokens see later ones");
  });
});

Deno.test("fromCheckpoint() and its model refuse what they cannot do, and what was destroyed", async () => {
  await inFolder(async (folder) => {
    const path = saveSmallModel(`${folder}/m.safetensors`, {
      settings: SMALL_MODEL,
      tokenizer: byteTokenizer,
    });
    await assertRejects(() => fromCheckpoint(`${folder}/none`), UsageError, "no such file");
    await assertRejects(() => fromCheckpoint(folder), UsageError, "it has no");
    const two = { device: "reference", backend: double } as const;
    await assertRejects(() => fromCheckpoint(path, two), UsageError, "got both");
    // What a program without types may say. None of these stands for "reference".
    for (const device of ["cuda", "refrence", "", "WebGPU"]) {
      const other = { device } as unknown as FromCheckpointOptions;
      await assertRejects(() => fromCheckpoint(path, other), UsageError, `device "${device}"`);
    }
    const named = { backend: "reference" } as unknown as FromCheckpointOptions;
    await assertRejects(() => fromCheckpoint(path, named), UsageError, 'got "reference"; a name');
    const model = await fromCheckpoint(path, { device: "reference" });
    const refusals = [
      [{}, "got none"],
      [{ prompt: "a", inputIds: [1] }, "got both"],
      [{ prompt: "" }, "no token of the byte tokenizer"],
      [{ prompt: "a", maxLength: 0 }, "at maxLength"],
      [{ prompt: "a", seed: -1 }, "at seed"],
      [{ prompt: "a", topP: 2 }, "at topP"],
      [{ prompt: "a", topK: 0 }, "at topK"],
      [{ inputIds: [] }, "at inputIds"],
      [{ prompt: 65 as unknown as string }, 'at prompt: expected a text, got "65"'],
      [undefined as unknown as CheckpointGenerateOptions, "got none"],
    ] as const;
    for (const [options, says] of refusals) {
      await assertRejects(() => model.generate(options), UsageError, says);
    }
    await assertRejects(() => model.generate({ inputIds: [256] }), DataError, "got 256");
    await assertRejects(() => model.evaluate("short"), DataError, "5 tokens");
    await assertRejects(() => model.evaluate(Int32Array.of(1, 2)), DataError, "2 tokens");
    for (const text of [undefined, null, 7, {}, TEXT.split(""), new TextEncoder().encode(TEXT)]) {
      const untyped = text as unknown as string;
      await assertRejects(() => model.evaluate(untyped), DataError, "Cannot use the text");
      const ids = text as unknown as Int32Array;
      await assertRejects(() => model.evaluateStream(ids), DataError, "Cannot use the text");
    }
    const few = () => model.evaluate(TEXT, { evalTokens: 3 });
    await assertRejects(few, UsageError, "at evalTokens: expected an integer in 16..");
    model.destroy();
    model.destroy();
    await assertRejects(() => model.generate({ prompt: "a" }), UsageError, "it was destroyed");
    assertThrows(() => model.generateTokens({ prompt: "a" }), UsageError, "it was destroyed");
    await assertRejects(() => model.evaluate(TEXT), UsageError, "it was destroyed");
  });
});
