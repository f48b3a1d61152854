/** A stop during a validation loses neither the updates before it nor the validation. */
import { assert, assertEquals } from "@std/assert";
import { parseArguments } from "../../../core/cli/args.ts";
import { givenSettings, TRAIN } from "../../../core/cli/train_command.ts";
import { setUpTraining } from "../../../core/cli/train_setup.ts";
import { systemClock } from "../../../core/run/clock.ts";
import { openBackend } from "../../../core/run/open_backend.ts";
import { type TrainedModel, trainModel } from "../../../core/run/train_model.ts";
import { latestCheckpoint } from "../../../core/store/checkpoint.ts";
import { inPlace, type Place, timelessRows } from "../cli/_train.ts";
import { overflowingAfter } from "./_overflowing_backend.ts";

/** Updates of the run: the first epoch of `SETTINGS`. */
const STEPS = 12;

/** What a run of `SETTINGS` is made of. */
function setUp({ run }: Place, name: string): ReturnType<typeof setUpTraining> {
  const args = run(name);
  const read = parseArguments(args, TRAIN);
  if (read.kind === "help") throw new Error("asked for help");
  const setup = setUpTraining(read.options, givenSettings(read.options, args));
  assertEquals(setup.stepsPerEpoch, STEPS);
  return setup;
}

Deno.test("trainModel() stopped after its last update saves it, and is validated by the next run", async () => {
  await inPlace(async (place) => {
    const { folder } = place;
    const backend = await openBackend("webgpu");
    try {
      const train = async (
        name: string,
        options: { readonly stopAfter?: number } = {},
      ): Promise<TrainedModel> => {
        const { config, data, stepsPerEpoch } = setUp(place, name);
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

Deno.test("trainModel() gives no model where values overflow in the last update, however often it is run", async () => {
  await inPlace(async (place) => {
    const backend = await openBackend("webgpu");
    try {
      const { config, data, stepsPerEpoch } = setUp(place, "over");
      for (const run of [overflowingAfter(STEPS, backend), backend]) {
        const { outcome, step, fault, epoch } = await trainModel({
          ...{ config, data, backend: run, stepsPerEpoch, clock: systemClock },
          ...{ folder: `${place.folder}/over`, until: STEPS, logInterval: 1, saveInterval: 300 },
          profilePhases: false,
          onStart: () => {},
          onUpdate: () => {},
          onEpoch: () => {},
          signal: new AbortController().signal,
        });
        assertEquals([outcome, step], ["diverged", STEPS]);
        assert(fault?.startsWith("all final features are exactly 0"), `${fault}`);
        // A uniform prediction of bytes, which says nothing of what it comes from.
        assert(epoch === undefined || Math.abs(epoch.valLoss - Math.log(256)) <= 1e-5);
      }
    } finally {
      backend.destroy();
    }
  });
});
