/** A stream is the same function of the text as one forward pass over all of it, however the text is cut. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { DataError, DeviceError, ShapeError, UsageError } from "../../../core/errors.ts";
import { evaluateLoss } from "../../../core/evaluate/evaluate_loss.ts";
import { evaluationPlan, logitsPlan } from "../../../core/evaluate/evaluation_plan.ts";
import { openStream } from "../../../core/evaluate/stream.ts";
import { streamLogitsPlan } from "../../../core/evaluate/streaming_plan.ts";
import { streamLoss } from "../../../core/evaluate/stream_loss.ts";
import { webGpuBackend } from "../../../core/gpu/backend.ts";
import type { ModelConfig } from "../../../core/models/registry.ts";
import { referenceBackend } from "../../../core/reference/interpreter.ts";
import { someTokens, VOCABULARY } from "../models/_conformance.ts";
import { assertClose } from "../stats/_assert_close.ts";
import { DEEP, DIAGONAL, SHALLOW, startOf } from "./_stream_models.ts";
import { wrapPrograms } from "./_wrap_programs.ts";

const backend = await webGpuBackend();
globalThis.addEventListener("unload", () => backend.destroy());

const LENGTH = 4096;
const TOLERANCE = 1e-4; // on logits, absolute
const TEXT = someTokens("stream", LENGTH + 1);
const BASE = { vocabularySize: VOCABULARY, start: startOf };

/** Logits (N, V) of one forward pass over the first N tokens. */
async function fullLogits(model: ModelConfig, seqLen: number): Promise<Float64Array> {
  const shape = { batch: 1, seqLen };
  const plan = logitsPlan({ model, shape, vocabularySize: VOCABULARY });
  const program = await backend.compile(plan);
  try {
    const { param, state } = startOf(plan);
    program.write("param", param);
    program.write("state", state);
    program.step({ tokens: TEXT.slice(0, seqLen) });
    return await program.read("logits");
  } finally {
    program.destroy();
  }
}

/** Largest |difference|; NaN counts as infinite. */
function largestError(got: Float32Array, want: Float64Array): number {
  assertEquals(got.length, want.length);
  return got.reduce((most, value, i) => {
    const error = Math.abs(value - want[i]);
    return error <= most ? most : Number.isNaN(error) ? Infinity : error;
  }, 0);
}

/** Every logit of the first N tokens, in chunks of one length (and of 1 for the rest) against one forward pass. */
async function checkChunks(model: ModelConfig, at: {
  readonly chunks: readonly number[];
  readonly seqLen: number;
}): Promise<void> {
  const { chunks, seqLen } = at;
  const want = await fullLogits(model, seqLen);
  for (const chunk of chunks) {
    const options = { ...BASE, model, positions: "all", chunks: [chunk, 1] } as const;
    const stream = await openStream(backend, options);
    try {
      const got = await stream.push(TEXT.subarray(0, seqLen));
      assertEquals(stream.position, seqLen);
      const error = largestError(got, want);
      assert(error <= TOLERANCE, `chunks of ${chunk}: error ${error}`);
    } finally {
      stream.destroy();
    }
  }
}

for (const [name, model] of Object.entries(DEEP)) {
  Deno.test(`push() in chunks of 1 and 64 gives the logits of one forward pass, ${name}`, async () => {
    await checkChunks(model, { chunks: [1, 64], seqLen: 300 });
  });
}

for (const [name, model] of Object.entries(SHALLOW)) {
  Deno.test(`push() in chunks of 1, 64, 100 and 512 gives the logits of one forward pass over ${LENGTH} tokens, ${name}`, async () => {
    await checkChunks(model, { chunks: [1, 64, 100, 512], seqLen: LENGTH });
  });

  Deno.test(`streamLoss() is the loss of one window over the whole text, ${name}`, async () => {
    const text = { tokens: TEXT.slice(0, LENGTH), targets: TEXT.slice(1) };
    // A target that nobody scores, and chunks that do not divide the text.
    text.targets[17] = -100;
    const shape = { batch: 1, seqLen: LENGTH };
    const plan = evaluationPlan({ model, shape, vocabularySize: VOCABULARY });
    const program = await backend.compile(plan);
    const { param, state } = startOf(plan);
    program.write("param", param);
    program.write("state", state);
    const windows = { windows: 1, ...text };
    const want = await evaluateLoss(program, { windows, shape, slots: 16 });
    program.destroy();
    for (const chunk of [100, 512]) {
      const got = await streamLoss(backend, { ...BASE, model, text, chunk });
      // Means of chunks leave the device as f32.
      assertClose([`chunks of ${chunk}`, got], want, { relative: 1e-6 });
    }
  });
}

Deno.test("push() goes on from what was pushed before, and reset() forgets it, two sequences side by side", async () => {
  const texts = [someTokens("left", 150), someTokens("right", 150)];
  const both = (from: number, to: number): Int32Array =>
    Int32Array.from(texts.flatMap((text) => [...text.subarray(from, to)]));
  const options = { ...BASE, model: DIAGONAL, chunks: [64, 1] };
  const stream = await openStream(backend, { ...options, batch: 2 });
  const all = await openStream(backend, { ...options, batch: 2, positions: "all" });
  const alone = await openStream(backend, options);
  try {
    const whole = await stream.push(both(0, 150));
    stream.reset();
    assertEquals(stream.position, 0);
    await stream.push(both(0, 70));
    await stream.push(both(70, 71));
    const parts = await stream.push(both(71, 150));
    assertEquals(stream.position, 150);
    assert(largestError(parts, Float64Array.from(whole)) <= TOLERANCE);
    const rows = await all.push(both(0, 150));
    for (const [b, text] of texts.entries()) {
      const want = Float64Array.from(await alone.push(text));
      alone.reset();
      const last = whole.subarray(b * VOCABULARY, (b + 1) * VOCABULARY);
      assert(largestError(last, want) <= TOLERANCE, `sequence ${b}`);
      const row = rows.subarray((b * 150 + 149) * VOCABULARY, (b + 1) * 150 * VOCABULARY);
      assert(largestError(row, want) <= TOLERANCE, `all positions of sequence ${b}`);
    }
    const forgetful = Float64Array.from(await alone.push(texts[0].subarray(149)));
    const last = whole.subarray(0, VOCABULARY);
    assert(largestError(last, forgetful) > 100 * TOLERANCE, "the past does not matter at all");
  } finally {
    [stream, all, alone].forEach((each) => each.destroy());
  }
});

Deno.test("streamLogitsPlan() of one token takes memory that no text length enters, whatever came before", () => {
  const options = { model: DIAGONAL, vocabularySize: VOCABULARY, positions: "last" } as const;
  const plan = streamLogitsPlan({ ...options, shape: { batch: 1, seqLen: 1 }, slots: 1 });
  // One pivot of 4 channels, as two numbers for each part: 16 values, padded to 256 bytes.
  assertEquals(plan.arenaBytes.state, 256);
  const longer = streamLogitsPlan({ ...options, shape: { batch: 1, seqLen: 512 }, slots: 1 });
  assertEquals(longer.arenaBytes.state, 256);
  assertEquals(longer.arenaBytes.param, plan.arenaBytes.param);
});

Deno.test("openStream() refuses models that cannot stream, with the reason, and chunk lengths without 1", async () => {
  const open = (model: ModelConfig, chunks = [8, 1]) =>
    openStream(referenceBackend({ precision: "f64" }), { ...BASE, model, chunks });
  const refused: readonly (readonly [ModelConfig, string])[] = [
    [
      { kind: "transformer", dModel: 8, nLayers: 1, tieHead: true, nHeads: 2 },
      'Cannot stream a model of kind "transformer": attention reads all earlier tokens',
    ],
    [{ ...DIAGONAL, bkDirection: "bidirectional" } as ModelConfig, "reads later tokens"],
    [{ ...DIAGONAL, primeBump: "comb" } as ModelConfig, "a potential per position ends"],
  ];
  for (const [model, reason] of refused) await assertRejects(() => open(model), UsageError, reason);
  await assertRejects(() => open(DIAGONAL, [8]), UsageError, 'chunks of "8" tokens');
  await assertRejects(() => open(DIAGONAL, [1, 2.5]), UsageError, 'chunks of "1, 2.5" tokens');
});

Deno.test("push() refuses ids outside the vocabulary and token counts that are no multiple of the batch", async () => {
  const on = referenceBackend({ precision: "f64" });
  const stream = await openStream(on, { ...BASE, model: DIAGONAL, batch: 2, chunks: [1] });
  await assertRejects(() => stream.push(new Int32Array(0)), ShapeError, "Cannot push 0 tokens");
  await assertRejects(() => stream.push(Int32Array.of(1, 2, 3)), ShapeError, "2 sequences");
  await assertRejects(() => stream.push(Int32Array.of(1, VOCABULARY)), DataError, "at position 1");
  assertEquals(stream.position, 0);
  stream.destroy();
});

Deno.test("openStream() frees its program when its first values are refused", async () => {
  let destroyed = 0;
  const counting = wrapPrograms(backend, () => ({ destroy: () => destroyed++ }));
  const start = (): never => {
    throw new DataError("no such file");
  };
  const options = { ...BASE, start, model: DIAGONAL };
  await assertRejects(() => openStream(counting, options), DataError, "no such file");
  assertEquals(destroyed, 1);
});

Deno.test("TokenStream.push() reports a chunk that the device refused, though its logits are not wanted", async () => {
  // As a program on the adapter does: the first read behind a refused step throws, the step itself does not.
  const refusing = wrapPrograms(backend, ({ tensors, inputs }) => {
    const isLong = tensors[inputs.get("tokens")!].type.shape[1] === 8;
    return isLong ? { readArenas: () => Promise.reject(new DeviceError("refused")) } : {};
  });
  const stream = await openStream(refusing, { ...BASE, model: DIAGONAL, chunks: [8, 1] });
  try {
    const push = () => stream.push(TEXT.slice(0, 9));
    await assertRejects(push, DeviceError, "refused");
    await assertRejects(push, DeviceError, "refused"); // and again: it is not proven
  } finally {
    stream.destroy();
  }
});
