/** Another arithmetic gives the same run within a band: the adapter's f32 against f64, 20 updates. */
import { assert, assertEquals } from "@std/assert";
import { webGpuBackend } from "../../../core/gpu/backend.ts";
import type { Preset } from "../../../core/graph/op.ts";
import type { Backend } from "../../../core/plan/backend.ts";
import { referenceBackend } from "../../../core/reference/interpreter.ts";
import { createTrainer } from "../../../core/train/trainer.ts";
import { TRAINING_CASES, trainingBatches, type TrainingCase } from "./_training_case.ts";

const UPDATES = 20;
/** Of the loss, for any adapter. Measured on llvmpipe, both sets of tiles: transformer 3e-6, resnet_bk 2e-7. */
const BAND = 1e-3;

async function lossesOn(backend: Backend, one: TrainingCase): Promise<readonly number[]> {
  const schedule = { ...one.settings.schedule, steps: UPDATES };
  const trainer = await createTrainer(backend, { ...one.settings, schedule });
  try {
    const rows = await trainer.advance(trainingBatches(one), { from: 0, to: UPDATES });
    return rows.map(({ loss }) => loss);
  } finally {
    trainer.destroy();
  }
}

for (const one of TRAINING_CASES) {
  Deno.test(`createTrainer() stays within the band of the f64 reference for 20 updates, ${one.name}`, async () => {
    const want = await lossesOn(referenceBackend({ precision: "f64" }), one);
    assertEquals(want.length, UPDATES);
    assert(want[UPDATES - 1] < want[0] - 0.2, "nothing was learned, so nothing was compared");
    for (const preset of ["gpu", "software-adapter"] satisfies readonly Preset[]) {
      const backend = await webGpuBackend({ preset });
      try {
        const got = await lossesOn(backend, one);
        got.forEach((loss, index) => {
          const error = Math.abs(loss - want[index]) / want[index];
          if (!(error <= BAND)) {
            throw new Error(`loss ${index + 1} is ${loss} with ${preset}, expected ${want[index]}`);
          }
        });
      } finally {
        backend.destroy();
      }
    }
  });
}
