/** A run that is repeated, stopped and resumed, or loses its device gives the same bytes: 100 updates. */
import { assert, assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { DeviceLostError } from "../../../core/errors.ts";
import { backendOn, webGpuBackend } from "../../../core/gpu/backend.ts";
import { openDevice } from "../../../core/gpu/device.ts";
import type { Backend } from "../../../core/plan/backend.ts";
import { sha256Hex } from "../../../core/random/sha256.ts";
import { checkpointFromBytes, checkpointToBytes } from "../../../core/train/checkpoint_bytes.ts";
import { createTrainer, type Trainer, type TrainerState } from "../../../core/train/trainer.ts";
import { TRAINING_CASES, trainingBatches, type TrainingCase } from "./_training_case.ts";

const UPDATES = 100;

/** Runs a trainer of the case, from a saved state where one is given. */
async function withTrainer<T>(
  one: TrainingCase,
  on: { readonly backend: Backend; readonly from?: TrainerState },
  use: (trainer: Trainer) => Promise<T>,
): Promise<T> {
  const schedule = { ...one.settings.schedule, steps: UPDATES };
  const trainer = await createTrainer(on.backend, { ...one.settings, schedule });
  try {
    if (on.from) trainer.restore(on.from);
    return await use(trainer);
  } finally {
    trainer.destroy();
  }
}

/** SHA-256 of all parameters, and the losses, after the updates that are left. */
async function finish(
  one: TrainingCase,
  on: { readonly backend: Backend; readonly from?: TrainerState },
) {
  return await withTrainer(one, on, async (trainer) => {
    const from = on.from?.step ?? 0;
    const rows = await trainer.advance(trainingBatches(one), { from, to: UPDATES });
    const { param } = await trainer.save(UPDATES);
    return {
      digest: sha256Hex(new Uint8Array(param.slice().buffer)),
      losses: rows.map((row) => row.loss),
    };
  });
}

/** The state after `step` updates, through the bytes of a checkpoint. */
async function stateAfter(
  one: TrainingCase,
  { backend, step }: { readonly backend: Backend; readonly step: number },
): Promise<TrainerState> {
  return await withTrainer(one, { backend }, async (trainer) => {
    await trainer.advance(trainingBatches(one), { from: 0, to: step });
    return throughBytes(await trainer.save(step), trainer.planDigest);
  });
}

function throughBytes(state: TrainerState, planDigest: string): TrainerState {
  const origin = { planDigest, engine: "test", leaks: false };
  const restored = checkpointFromBytes(checkpointToBytes(state, origin), origin);
  if (!restored) throw new Error("The checkpoint belongs elsewhere");
  return restored;
}

for (const one of TRAINING_CASES) {
  Deno.test(`createTrainer() gives the same SHA-256 after 100 updates, repeated and resumed at 37, ${one.name}`, async () => {
    const backend = await webGpuBackend();
    try {
      const whole = await finish(one, { backend });
      assert(whole.losses[UPDATES - 1] < whole.losses[0] - 0.5, "nothing was learned");
      assertEquals(await finish(one, { backend }), whole);
      const resumed = await finish(one, {
        backend,
        from: await stateAfter(one, { backend, step: 37 }),
      });
      assertEquals(resumed.digest, whole.digest);
      assertEquals(resumed.losses, whole.losses.slice(37));
      // The comparison can fail: other moments give other bytes.
      const state = await stateAfter(one, { backend, step: 37 });
      const spoilt = await finish(one, { backend, from: { ...state, m: state.m.fill(0) } });
      assertNotEquals(spoilt.digest, whole.digest);
    } finally {
      backend.destroy();
    }
  });

  Deno.test(`createTrainer() goes on from a checkpoint after its device was lost, ${one.name}`, async () => {
    const open = await openDevice();
    const doomed = await backendOn(open);
    const state = await withTrainer(one, { backend: doomed }, async (trainer) => {
      await trainer.advance(trainingBatches(one), { from: 0, to: 5 });
      const saved = throughBytes(await trainer.save(5), trainer.planDigest);
      const batches = trainingBatches(one);
      const losing = (step: number) => {
        if (step === 43) open.device.destroy(); // in the midst of a span of updates
        return batches(step);
      };
      const { message } = await assertRejects(
        () => trainer.advance(losing, { from: 5, to: UPDATES }),
        DeviceLostError,
      );
      // Spans of 16 are read at once: 5 + 32 updates were read when the device went.
      assert(message.includes("37 of"), message);
      return saved;
    });
    doomed.destroy();
    const backend = await webGpuBackend();
    try {
      const resumed = await finish(one, { backend, from: state });
      assertEquals(resumed.digest, (await finish(one, { backend })).digest);
    } finally {
      backend.destroy();
    }
  });
}
