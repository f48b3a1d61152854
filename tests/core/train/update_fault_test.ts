/** Updates that are no training: not finite, or without an effect because values have overflowed. */
import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { webGpuBackend } from "../../../core/gpu/backend.ts";
import type { ModelConfig } from "../../../core/models/registry.ts";
import { createTrainer, type Trainer, type UpdateMetrics } from "../../../core/train/trainer.ts";
import { faultAfter, updateFault } from "../../../core/train/update_fault.ts";
import { CONFIGS, settingsOf, someTokens, VOCABULARY } from "../models/_conformance.ts";
import { resnetBk } from "../models/_resnet_bk.ts";

const backend = await webGpuBackend();
globalThis.addEventListener("unload", () => backend.destroy());

Deno.test("updateFault() names what ends a run, and leaves a model alone that has nothing to learn", () => {
  const good = { finite: true, loss: 2, gradNorm: 1e-30, featureNorm: 1e-30 };
  assertEquals(updateFault(good), null);
  assertEquals(updateFault({ ...good, loss: 0, gradNorm: 0 }), null);
  assert(updateFault({ ...good, gradNorm: 0 })?.startsWith("the gradient is exactly 0"));
  assert(updateFault({ ...good, featureNorm: 0 })?.startsWith("all final features are exactly 0"));
  for (const loss of [NaN, Infinity, 4]) {
    assertEquals(
      updateFault({ finite: false, loss, gradNorm: 0, featureNorm: 0 }),
      "loss or gradient is not finite",
    );
  }
});

const UPDATES = 8;
const SHAPE = { batch: 2, seqLen: 32 };
const ROWS = SHAPE.batch * SHAPE.seqLen;

interface Run {
  readonly model: ModelConfig;
  readonly learningRate: number;
  readonly accumulation?: number;
}

async function onTrainer<T>(
  { model, learningRate, accumulation = 1 }: Run,
  use: (trainer: Trainer, batches: Parameters<Trainer["advance"]>[0]) => Promise<T>,
): Promise<T> {
  const settings = settingsOf(model, { shape: SHAPE, steps: UPDATES, learningRate });
  const trainer = await createTrainer(backend, { ...settings, accumulation });
  const count = ROWS * accumulation;
  try {
    return await use(trainer, (step) => ({
      tokens: someTokens(`tokens${step}`, count),
      targets: someTokens(`targets${step}`, count),
    }));
  } finally {
    trainer.destroy();
  }
}

function train(run: Run): Promise<readonly UpdateMetrics[]> {
  return onTrainer(run, (trainer, batches) => trainer.advance(batches, { from: 0, to: UPDATES }));
}

/** A uniform prediction, which no model of these makes in training at any of these rates. */
function isUniform({ finite, loss }: UpdateMetrics): boolean {
  return finite && Math.abs(loss - Math.log(VOCABULARY)) <= 1e-5;
}

// Preset `sound` has auxiliary losses on the router: they have a gradient when the features are 0.
const SOUND = resnetBk(
  {
    dModel: 16,
    nLayers: 2,
    tieHead: true,
    bkChannels: 2,
    numExperts: 4,
    topK: 2,
    router: "gate",
  },
  "sound",
);

for (const kind of new Set(CONFIGS.map((config) => config.kind))) {
  Deno.test(`updateFault() finds every ${kind} that predicts uniformly after values have overflowed`, async () => {
    let uniform = 0;
    for (const model of [...CONFIGS, SOUND].filter((config) => config.kind === kind)) {
      for (const row of await train({ model, learningRate: 1e-2 })) {
        assertEquals(updateFault(row), null);
      }
      for (const learningRate of [1e3, 1e5, 1e6, 1e8, 1e10, 1e19]) {
        const rows = await train({ model, learningRate });
        for (const row of rows.slice(1).filter(isUniform)) {
          uniform++;
          assert(updateFault(row)?.startsWith("all final features"), `${learningRate}`);
        }
      }
    }
    assert(uniform > 0, "no run at these rates shows what is looked for");
  });
}

Deno.test("updateFault() finds it where auxiliary losses leave a gradient, preset sound", async () => {
  const rows = await train({ model: SOUND, learningRate: 1e6 });
  const found = rows.find((row) => updateFault(row) !== null);
  if (found === undefined) throw new Error("No update is at fault");
  assert(isUniform(found) && found.gradNorm > 1, `loss ${found.loss}, norm ${found.gradNorm}`);
});

Deno.test("createTrainer() gives the norm of the features, one and three micro-batches", async () => {
  // Gains are 1 at the start, so that a row has norm sqrt(D), but for the epsilon of the normalisation.
  for (const accumulation of [1, 3]) {
    const [{ featureNorm }] = await train({ model: SOUND, learningRate: 1e-2, accumulation });
    const want = accumulation * Math.sqrt(ROWS * SOUND.dModel);
    assert(Math.abs(featureNorm - want) <= 1e-3 * want, `${featureNorm}, ${want} expected`);
  }
});

Deno.test("faultAfter() finds what no update has read yet, and puts everything back", async () => {
  const rows = await train({ model: SOUND, learningRate: 1e6 });
  const step = rows.findIndex((row) => updateFault(row) !== null); // the updates before it
  for (const [learningRate, isFault] of [[1e6, true], [1e-2, false]] as const) {
    await onTrainer({ model: SOUND, learningRate }, async (trainer, batches) => {
      const done = await trainer.advance(batches, { from: 0, to: step });
      assertEquals(done.map(updateFault), Array(step).fill(null));
      const before = await trainer.save(step);
      const fault = await faultAfter(trainer, { batches, step });
      assertEquals(fault !== null, isFault, `${fault}`);
      assertEquals(await trainer.save(step), before);
      await trainer.advance(batches, { from: step, to: step + 1 });
      assertNotEquals((await trainer.save(step)).param, before.param);
    });
  }
});
