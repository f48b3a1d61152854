import { assert, assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { UsageError } from "../../../core/errors.ts";
import { logitsPlan } from "../../../core/evaluate/evaluation_plan.ts";
import { type GenerateOptions, generateTokens } from "../../../core/evaluate/generate_tokens.ts";
import { openStream } from "../../../core/evaluate/stream.ts";
import { webGpuBackend } from "../../../core/gpu/backend.ts";
import type { ModelConfig } from "../../../core/models/registry.ts";
import { someTokens, VOCABULARY } from "../models/_conformance.ts";
import { DEEP, SHALLOW, startOf } from "./_stream_models.ts";

const backend = await webGpuBackend();
globalThis.addEventListener("unload", () => backend.destroy());

const PROMPT = someTokens("prompt", 75);
const GREEDY = { temperature: 0 };

async function generated(
  model: ModelConfig,
  options: Partial<GenerateOptions> = {},
): Promise<readonly number[]> {
  const stream = await openStream(backend, { model, vocabularySize: VOCABULARY, start: startOf });
  try {
    return await Array.fromAsync(generateTokens(stream, {
      prompt: PROMPT,
      maxTokens: 24,
      sampling: GREEDY,
      seed: 1,
      ...options,
    }));
  } finally {
    stream.destroy();
  }
}

/** Greedy decoding by one forward pass over the whole text for every token, and nothing carried over. */
async function greedyByFullForward(model: ModelConfig, count: number): Promise<readonly number[]> {
  const seqLen = PROMPT.length + count;
  const shape = { batch: 1, seqLen };
  const plan = logitsPlan({ model, shape, vocabularySize: VOCABULARY });
  const program = await backend.compile(plan);
  const { param, state } = startOf(plan);
  program.write("param", param);
  program.write("state", state);
  const text = new Int32Array(seqLen); // what follows a position does not reach it
  text.set(PROMPT);
  for (let at = PROMPT.length; at < seqLen; at++) {
    program.step({ tokens: text });
    const logits = (await program.read("logits"))
      .subarray((at - 1) * VOCABULARY, at * VOCABULARY);
    text[at] = logits.indexOf(Math.max(...logits));
  }
  program.destroy();
  return [...text.subarray(PROMPT.length)];
}

for (const [name, model] of Object.entries({ ...SHALLOW, ...DEEP })) {
  Deno.test(`generateTokens() at temperature 0 writes what full forward passes choose, ${name}`, async () => {
    assertEquals(await generated(model), await greedyByFullForward(model, 24));
  });
}

Deno.test("generateTokens() gives the same tokens for the same seed, others for another, and goes on from a state", async () => {
  const [model] = Object.values(SHALLOW);
  const sampling = { temperature: 1, topP: 0.9 };
  const first = await generated(model, { sampling });
  assertEquals(first.length, 24);
  assertEquals(await generated(model, { sampling }), first);
  assertNotEquals(await generated(model, { sampling, seed: 2 }), first);
  assertEquals(await generated(model, { sampling, maxTokens: 5 }), first.slice(0, 5));
  assertEquals(await generated(model, { sampling, maxTokens: 0 }), []);
  const stream = await openStream(backend, { model, vocabularySize: VOCABULARY, start: startOf });
  const greedy = { sampling: GREEDY, seed: 1 };
  await stream.push(PROMPT.subarray(0, 70));
  const prompt = PROMPT.subarray(70);
  const parts = await Array.fromAsync(
    generateTokens(stream, { ...greedy, prompt, maxTokens: 24 }),
  );
  assertEquals(parts, await generated(model));
  // The last token was not read.
  assertEquals(stream.position, PROMPT.length + 23);
  stream.destroy();
});

Deno.test("generateTokens() refuses an empty prompt and bad settings before it reads anything", async () => {
  const [model] = Object.values(SHALLOW);
  await assertRejects(
    () => generated(model, { prompt: new Int32Array(0) }),
    UsageError,
    "empty prompt",
  );
  const sampling = { temperature: -1 };
  await assertRejects(() => generated(model, { sampling }), UsageError, "at temperature");
  assert((await generated(model, { maxTokens: 1 })).length === 1);
});
