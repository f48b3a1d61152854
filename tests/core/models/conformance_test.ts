/** The conformance suite over every model of the registry, on the adapter. */
import { assert, assertEquals } from "@std/assert";
import { webGpuBackend } from "../../../core/gpu/backend.ts";
import { MODELS } from "../../../core/models/registry.ts";
import { referenceBackend } from "../../../core/reference/interpreter.ts";
import {
  checkCausality,
  checkOverfit,
  checkRepeatability,
  CONFIGS,
  logitsOf,
  someTokens,
  VOCABULARY,
} from "./_conformance.ts";

const backend = await webGpuBackend();
globalThis.addEventListener("unload", () => backend.destroy());

Deno.test("every kind of model in the registry has a conformance configuration", () => {
  assertEquals(new Set(CONFIGS.map((config) => config.kind)), new Set(Object.keys(MODELS)));
});

for (const [index, config] of CONFIGS.entries()) {
  const name = `${config.kind} (configuration ${index})`;

  Deno.test(`${name} gives logits (B N, V) that agree with the f64 reference`, async () => {
    const options = { shape: { batch: 2, seqLen: 13 }, tokens: someTokens("shape", 26) };
    const got = await logitsOf(config, { ...options, backend });
    const want = await logitsOf(config, {
      ...options,
      backend: referenceBackend({ precision: "f64" }),
    });
    assertEquals(got.length, 26 * VOCABULARY);
    const scale = Math.max(...want.map(Math.abs));
    got.forEach((value, i) => assert(Math.abs(value - want[i]) <= 1e-5 * scale, `logit ${i}`));
  });

  Deno.test(`${name} is causal to the bit`, () => checkCausality(config, { backend, seqLen: 23 }));

  Deno.test(`${name} is causal to the bit at a length where BK-Core runs in chunks`, () =>
    checkCausality(config, { backend, seqLen: 521 }));

  Deno.test(`${name} starts at ln V and learns 64 tokens by heart`, () =>
    checkOverfit(config, backend));

  Deno.test(`${name} gives the same bytes again, also when resumed`, () =>
    checkRepeatability(config, backend));
}
