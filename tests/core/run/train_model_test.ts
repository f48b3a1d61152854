/** A stop during a validation loses neither the updates before it nor the validation. */
import { assert, assertEquals } from "@std/assert";
import { parseArguments } from "../../../core/cli/args.ts";
import { givenSettings, TRAIN } from "../../../core/cli/train_command.ts";
import { setUpTraining } from "../../../core/cli/train_setup.ts";
import { systemClock } from "../../../core/run/clock.ts";
import { openBackend } from "../../../core/run/open_backend.ts";
import { type TrainedModel, trainModel } from "../../../core/run/train_model.ts";
import { latestCheckpoint } from "../../../core/store/checkpoint.ts";
import { inPlace, timelessRows } from "../cli/_train.ts";

/** Updates of the run: the first epoch of `SETTINGS`. */
const STEPS = 12;

Deno.test("trainModel() stopped after its last update saves it, and is validated by the next run", async () => {
  await inPlace(async ({ folder, run }) => {
    const backend = await openBackend("webgpu");
    try {
      const train = async (
        name: string,
        options: { readonly stopAfter?: number } = {},
      ): Promise<TrainedModel> => {
        const args = run(name);
        const read = parseArguments(args, TRAIN);
        if (read.kind === "help") throw new Error("asked for help");
        const { config, data, stepsPerEpoch } = setUpTraining(
          read.options,
          givenSettings(read.options, args),
        );
        assertEquals(stepsPerEpoch, STEPS);
        const stop = new AbortController();
        return await trainModel({
          ...{ config, data, backend, stepsPerEpoch, clock: systemClock, signal: stop.signal },
          ...{ folder: `${folder}/${name}`, until: STEPS, logInterval: 1, saveInterval: 300 },
          profilePhases: false,
          onStart: () => {},
          onUpdate: ({ step }) => step === options.stopAfter && stop.abort(),
          onEpoch: () => {},
        });
      };
      const rows = (name: string) => timelessRows(`${folder}/${name}/metrics.csv`);
      const whole = await train("whole");
      assert(whole.epoch !== undefined);

      const stopped = await train("parts", { stopAfter: STEPS });
      assertEquals([stopped.outcome, stopped.step, stopped.saved], ["stopped", STEPS, STEPS]);
      assertEquals(latestCheckpoint(`${folder}/parts/checkpoints`).checkpoint?.step, STEPS);
      assertEquals(rows("parts").length, STEPS);
      const next = await train("parts");
      assertEquals([next.outcome, next.last, next.epoch], ["done", undefined, whole.epoch]);
      assertEquals(rows("parts"), rows("whole"));
      // What has been validated is not again.
      assertEquals((await train("parts")).epoch, undefined);
    } finally {
      backend.destroy();
    }
  });
});
