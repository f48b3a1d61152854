/**
 * Trains twenty updates of every training case on the adapter; as a program, prints the SHA-256 of their
 * parameters. training_digest_test.ts starts it several times.
 */
import { webGpuBackend } from "../../../core/gpu/backend.ts";
import type { Backend } from "../../../core/plan/backend.ts";
import { sha256Hex } from "../../../core/random/sha256.ts";
import { createTrainer } from "../../../core/train/trainer.ts";
import { TRAINING_CASES, trainingBatches } from "./_training_case.ts";

const UPDATES = 20;

/** One line per training case: its name and the digest of its parameters. */
export async function trainDigests(backend: Backend): Promise<string> {
  let lines = "";
  for (const one of TRAINING_CASES) {
    const trainer = await createTrainer(backend, one.settings);
    await trainer.advance(trainingBatches(one), { from: 0, to: UPDATES });
    const { param } = await trainer.save(UPDATES);
    trainer.destroy();
    lines += `${one.name} ${sha256Hex(new Uint8Array(param.slice().buffer))}\n`;
  }
  return lines;
}

if (import.meta.main) {
  const backend = await webGpuBackend();
  await Deno.stdout.write(new TextEncoder().encode(await trainDigests(backend)));
  backend.destroy();
}
