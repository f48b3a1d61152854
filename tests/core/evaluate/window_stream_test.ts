import { assert, assertEquals, assertRejects } from "@std/assert";
import { DataError, ShapeError, UsageError } from "../../../core/errors.ts";
import { logitsPlan } from "../../../core/evaluate/evaluation_plan.ts";
import { openWindow } from "../../../core/evaluate/window_stream.ts";
import { webGpuBackend } from "../../../core/gpu/backend.ts";
import type { ModelConfig } from "../../../core/models/registry.ts";
import { someTokens, VOCABULARY } from "../models/_conformance.ts";
import { wrapPrograms } from "./_wrap_programs.ts";
import { DIAGONAL, startOf } from "./_stream_models.ts";

const backend = await webGpuBackend();
globalThis.addEventListener("unload", () => backend.destroy());

const LENGTH = 11;
const BASE = { vocabularySize: VOCABULARY, seqLen: LENGTH, start: startOf };
const MODELS: Readonly<Record<string, ModelConfig>> = {
  transformer: { kind: "transformer", dModel: 12, nLayers: 2, tieHead: true, nHeads: 3 },
  "prime bumps": { ...DIAGONAL, primeBump: "comb", primeBumpScale: 1 } as ModelConfig,
};

/** Logits (N, V) of one window. */
async function windowLogits(model: ModelConfig, tokens: Int32Array): Promise<Float64Array> {
  const shape = { batch: 1, seqLen: LENGTH };
  const plan = logitsPlan({ model, shape, vocabularySize: VOCABULARY });
  const program = await backend.compile(plan);
  const { param, state } = startOf(plan);
  program.write("param", param);
  program.write("state", state);
  program.step({ tokens });
  const logits = await program.read("logits");
  program.destroy();
  return logits;
}

function assertNear(got: Float32Array, want: Float64Array, what: string): void {
  assertEquals(got.length, want.length);
  got.forEach((value, i) => {
    // The head multiplies one row here and all rows there.
    if (!(Math.abs(value - want[i]) <= 1e-5)) {
      throw new Error(`${what}: ${value} is not ${want[i]}`);
    }
  });
}

for (const [name, model] of Object.entries(MODELS)) {
  Deno.test(`openWindow() gives the logits of each place of a window, then of windows that slide, ${name}`, async () => {
    const text = someTokens("window", LENGTH + 3);
    const first = await windowLogits(model, text.slice(0, LENGTH));
    const window = await openWindow(backend, { ...BASE, model });
    for (let i = 0; i < LENGTH; i++) {
      const got = await window.push(text.subarray(i, i + 1));
      assertNear(got, first.subarray(i * VOCABULARY, (i + 1) * VOCABULARY), `token ${i}`);
    }
    for (let i = LENGTH; i < text.length; i++) {
      const slid = await windowLogits(model, text.slice(i + 1 - LENGTH, i + 1));
      const got = await window.push(text.subarray(i, i + 1));
      assertNear(got, slid.subarray(-VOCABULARY), `token ${i}`);
    }
    assertEquals(window.position, text.length);
    const last = await window.push(text.subarray(0, 2));
    window.reset();
    assertEquals(window.position, 0);
    // All at once, and more than a window of it.
    const again = Int32Array.from([...text, ...text.subarray(0, 2)]);
    assertEquals(await window.push(again), last);
    window.destroy();
  });
}

Deno.test("openWindow() refuses a model that sees later tokens; push() refuses no tokens and foreign ids", async () => {
  const paper = { ...DIAGONAL, bkDirection: "bidirectional" } as ModelConfig;
  await assertRejects(
    () => openWindow(backend, { ...BASE, model: paper }),
    UsageError,
    "its tokens see later ones",
  );
  const window = await openWindow(backend, { ...BASE, model: MODELS.transformer });
  await assertRejects(() => window.push(new Int32Array(0)), ShapeError, "Cannot push 0 tokens");
  await assertRejects(() => window.push(Int32Array.of(-1)), DataError, "got -1 at position 0");
  assert(window.position === 0);
  window.destroy();
});

Deno.test("openWindow() frees its program when its first values are refused", async () => {
  let destroyed = 0;
  const counting = wrapPrograms(backend, () => ({ destroy: () => destroyed++ }));
  const start = (): never => {
    throw new DataError("no such file");
  };
  const options = { ...BASE, start, model: MODELS.transformer };
  await assertRejects(() => openWindow(counting, options), DataError, "no such file");
  assertEquals(destroyed, 1);
});
