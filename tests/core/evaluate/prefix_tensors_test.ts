/** A model with values per position, on fewer positions than it has. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { byteTokenizer } from "../../../core/data/byte_tokenizer.ts";
import { StoreError } from "../../../core/errors.ts";
import { logitsPlan } from "../../../core/evaluate/evaluation_plan.ts";
import { inspectModel } from "../../../core/evaluate/inspect_model.ts";
import { auditCausality } from "../../../core/evaluate/leak_audit.ts";
import { prefixTensors } from "../../../core/evaluate/prefix_tensors.ts";
import { referenceBackend } from "../../../core/reference/interpreter.ts";
import { loadModelFile, type ModelFile } from "../../../core/run/model_file.ts";
import { modelStart } from "../../../core/run/model_start.ts";
import { inFolder, saveSmallModel, SMALL_MODEL } from "../cli/_saved_model.ts";

/** Trained at 16 tokens. */
const LENGTH = 16;
const backend = referenceBackend({ precision: "f64" });
const TEXT = byteTokenizer.encode("damp, drizzly No");

/** A model with potentials, and for "gue" couplings, of its own at each position. */
async function withBumps(
  bumps: "formula" | "gue",
  use: (file: ModelFile) => Promise<void>,
): Promise<void> {
  await inFolder(async (folder) => {
    const settings = { ...SMALL_MODEL, prime_bump: bumps, prime_bump_scale: 0.5 };
    const path = `${folder}/m.safetensors`;
    await use(loadModelFile(saveSmallModel(path, { settings, tokenizer: byteTokenizer })));
  });
}

Deno.test("prefixTensors() keeps the first values per position and per pair of neighbours, and all others", async () => {
  await withBumps("gue", (file) => {
    const shape = { batch: 1, seqLen: 9 };
    const { model } = file;
    const plan = logitsPlan({ model, shape, vocabularySize: byteTokenizer.vocabularySize });
    const cut = prefixTensors(file, { plan, from: LENGTH, to: 9 }).parameters;
    for (const [name, { shape, values }] of file.parameters) {
      const count = name.endsWith("position_potential") ? 9 : name.endsWith("phi") ? 8 : null;
      const want = count === null ? shape : [count];
      assertEquals(cut.get(name)!.shape, want, name);
      assertEquals(cut.get(name)!.values, values.slice(0, count ?? values.length), name);
    }
    assertEquals([...file.parameters.keys()].filter((name) => name.endsWith("phi")).length, 1);
    return Promise.resolve();
  });
});

Deno.test("modelStart() of prime-bump models gives a shorter text what it has as the beginning of a longer one", async () => {
  assertEquals(TEXT.length, LENGTH);
  for (const bumps of ["formula", "gue"] as const) {
    await withBumps(bumps, async (file) => {
      const { model, tokenizer: { vocabularySize } } = file;
      const whole = await inspectModel(backend, {
        ...{ model, vocabularySize, tokens: TEXT, start: modelStart(file) },
      });
      const start = modelStart(file, { seqLen: 9 });
      const tokens = TEXT.slice(0, 9);
      const { surprisal } = await inspectModel(backend, { model, vocabularySize, tokens, start });
      // A causal model cannot know where the text ends.
      assertEquals(surprisal.length, 8);
      for (const [i, nats] of surprisal.entries()) {
        assert(Math.abs(nats - whole.surprisal[i]) <= 1e-12, `${bumps} ${i}: ${nats}`);
      }
      const audit = await auditCausality(backend, {
        ...{ model, vocabularySize, tensors: file, length: 11 },
        shape: { batch: 1, seqLen: LENGTH },
      });
      assertEquals([audit.seqLen, audit.changed], [11, 0]);
    });
  }
});

Deno.test("modelStart() refuses a text longer than the positions that a model has", async () => {
  await withBumps("gue", (file) => {
    const { model, tokenizer: { vocabularySize } } = file;
    const plan = logitsPlan({ model, shape: { batch: 1, seqLen: 17 }, vocabularySize });
    assertThrows(
      () => modelStart(file, { seqLen: 17 })(plan),
      StoreError,
      "the length that it was",
    );
    return Promise.resolve();
  });
});
