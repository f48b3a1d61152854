/**
 * Trains twenty updates of the named training case on the adapter and prints the SHA-256 of its
 * parameters. training_digest_test.ts starts this several times.
 */
import { webGpuBackend } from "../../../core/gpu/backend.ts";
import { sha256Hex } from "../../../core/random/sha256.ts";
import { createTrainer } from "../../../core/train/trainer.ts";
import { TRAINING_CASES, trainingBatches } from "./_training_case.ts";

const UPDATES = 20;
const backend = await webGpuBackend();
for (const one of TRAINING_CASES) {
  const trainer = await createTrainer(backend, one.settings);
  await trainer.advance(trainingBatches(one), { from: 0, to: UPDATES });
  const { param } = await trainer.save(UPDATES);
  console.log(
    `${one.name} ${sha256Hex(new Uint8Array(param.buffer, param.byteOffset, param.byteLength))}`,
  );
  trainer.destroy();
}
backend.destroy();
