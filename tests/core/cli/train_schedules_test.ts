import { assertEquals, assertThrows } from "@std/assert";
import { parseArguments } from "../../../core/cli/args.ts";
import { givenSettings, TRAIN } from "../../../core/cli/train_command.ts";
import { trainConfig } from "../../../core/cli/train_config.ts";
import { ManifestError } from "../../../core/errors.ts";
import type { JsonObject } from "../../../core/manifest/json.ts";

/** The settings of the model that flags lead to. */
function modelOf(...args: readonly string[]): JsonObject {
  const read = parseArguments(args, TRAIN);
  if (read.kind === "help") throw new Error("asked for help");
  return trainConfig({}, { file: undefined, given: givenSettings(read.options, args) }).model;
}

Deno.test("trainConfig() has no schedules unless they are asked for", () => {
  const { epsilon_schedule, gumbel_schedule } = modelOf();
  assertEquals([epsilon_schedule, gumbel_schedule], ["none", "none"]);
});

Deno.test("trainConfig() reads the flags of both schedules, and epsilon stays the width of prime bumps", () => {
  const model = modelOf(
    ...["--epsilon-schedule", "cosine", "--epsilon-start=2", "--epsilon_steps", "300"],
    ...["--gumbel=1", "--gumbel-schedule=exponential", "--gumbel-end", "0.2", "--epsilon=0.7"],
  );
  assertEquals(
    ["epsilon_schedule", "epsilon_start", "epsilon_end", "epsilon_steps"].map((key) => model[key]),
    ["cosine", 2, 0.5, 300],
  );
  assertEquals(
    ["gumbel", "gumbel_schedule", "gumbel_end", "gumbel_steps"].map((key) => model[key]),
    [1, "exponential", 0.2, 10_000],
  );
  assertEquals(model.epsilon, 0.7);
});

Deno.test("trainConfig() refuses a schedule of the temperature without noise", () => {
  assertThrows(
    () => modelOf("--gumbel-schedule=linear"),
    ManifestError,
    "a schedule starts at the temperature gumbel: expected gumbel >= 0.000001, got 0",
  );
});
