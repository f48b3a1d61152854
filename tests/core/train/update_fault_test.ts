/** Updates that are no training: not finite, or without an effect because values have overflowed. */
import { assert, assertEquals } from "@std/assert";
import { webGpuBackend } from "../../../core/gpu/backend.ts";
import { createTrainer, type UpdateMetrics } from "../../../core/train/trainer.ts";
import { updateFault } from "../../../core/train/update_fault.ts";
import { CONFIGS, settingsOf, someTokens, VOCABULARY } from "../models/_conformance.ts";

const backend = await webGpuBackend();
globalThis.addEventListener("unload", () => backend.destroy());

Deno.test("updateFault() names what ends a run, and leaves a model alone that has nothing to learn", () => {
  assertEquals(updateFault({ finite: true, loss: 2, gradNorm: 1e-30 }), null);
  assertEquals(updateFault({ finite: true, loss: 0, gradNorm: 0 }), null);
  assert(
    updateFault({ finite: true, loss: 4, gradNorm: 0 })?.startsWith("the gradient is exactly 0"),
  );
  for (const loss of [NaN, Infinity, 4]) {
    assertEquals(
      updateFault({ finite: false, loss, gradNorm: 0 }),
      "loss or gradient is not finite",
    );
  }
});

const first = (kind: string) => CONFIGS.find((config) => config.kind === kind)!;
const UPDATES = 8;

async function train(
  model: typeof CONFIGS[number],
  learningRate: number,
): Promise<readonly UpdateMetrics[]> {
  const shape = { batch: 2, seqLen: 32 };
  const settings = settingsOf(model, { shape, steps: UPDATES, learningRate });
  const trainer = await createTrainer(backend, settings);
  try {
    return await trainer.advance((step) => ({
      tokens: someTokens(`tokens${step}`, 64),
      targets: someTokens(`targets${step}`, 64),
    }), { from: 0, to: UPDATES });
  } finally {
    trainer.destroy();
  }
}

for (const kind of ["resnet-bk", "transformer"]) {
  Deno.test(`updateFault() finds the ${kind} that predicts uniformly after values have overflowed`, async () => {
    for (const row of await train(first(kind), 1e-2)) assertEquals(updateFault(row), null);
    for (const rate of [1e8, 1e10, 1e19]) {
      const rows = await train(first(kind), rate);
      const found = rows.findIndex((row) => updateFault(row) !== null);
      assert(found > 0, `at ${rate}: ${rows.map(({ loss }) => loss)}`);
      // A uniform prediction: what was found, if finite, is that and not a model in training.
      const { finite, loss } = rows[found];
      if (finite) assert(Math.abs(loss - Math.log(VOCABULARY)) <= 1e-5, `loss ${loss}`);
    }
  });
}
