import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { parseArguments } from "../../../core/cli/args.ts";
import { givenSettings, TRAIN } from "../../../core/cli/train_command.ts";
import { trainConfig } from "../../../core/cli/train_config.ts";
import { ManifestError } from "../../../core/errors.ts";
import { unfinishedSchedules } from "../../../core/cli/unfinished_schedules.ts";
import type { JsonObject } from "../../../core/manifest/json.ts";
import { modelConfig } from "../../../core/manifest/model_config.ts";
import { done, inPlace } from "./_train.ts";

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

Deno.test("trainConfig() refuses what is said about a schedule that is none, by flag and in a file", () => {
  const cases = [
    [
      ["--epsilon-end", "0.2"],
      "command line: at --epsilon-end: has no effect with epsilon_schedule",
    ],
    [["--epsilon_steps=100"], "at --epsilon-steps: has no effect"],
    [["--epsilon-schedule=none", "--epsilon-start=1"], "at --epsilon-start: has no effect"],
    [["--gumbel=1", "--gumbel-end", "0.2"], "at --gumbel-end: has no effect with gumbel_schedule"],
  ] as const;
  for (const [flags, says] of cases) assertThrows(() => modelOf(...flags), ManifestError, says);
  assertThrows(
    () => trainConfig({ model: { gumbel_steps: 9 } }, { file: "my.yaml", given: [] }),
    ManifestError,
    "my.yaml: at model.gumbel_steps: has no effect",
  );
});

Deno.test("unfinishedSchedules() tells where training leaves a schedule, and nothing of one that ends", () => {
  const shape = { kind: "resnet-bk", preset: "sound", d_model: 8, n_layers: 1, tie_head: true };
  const linesOf = (settings: JsonObject, steps: number) =>
    unfinishedSchedules({ model: modelConfig({ ...shape, ...settings }), train: { steps } });
  // numpy: 0.5 + 0.5 * (1 + np.cos(np.pi * 0.1105)) / 2 -> 0.98509; 0.1 ** 0.5 -> 0.31623
  assertEquals(linesOf({ epsilon_schedule: "cosine" }, 1105), [
    "epsilon ends at 0.985 after 1105 of 10000 updates",
  ]);
  const colder = { gumbel: 1, gumbel_schedule: "exponential", gumbel_steps: 100 };
  assertEquals(linesOf(colder, 50), ["gumbel ends at 0.316 after 50 of 100 updates"]);
  assertEquals(linesOf(colder, 100), []);
  assertEquals(linesOf({}, 1), []);
});

Deno.test("train says before the first update, and in a dry run, that a schedule does not come to its end", async () => {
  await inPlace(async ({ run }) => {
    const args = [...run("a"), "--epsilon-schedule", "linear", "--epsilon-steps", "48"];
    const says = "epsilon ends at 0.75 after 24 of 48 updates";
    assertStringIncludes((await done("train", [...args, "--max-steps", "1"])).stderr, says);
    assertStringIncludes((await done("train", [...args, "--dry-run"])).stdout, says);
    const plan = JSON.parse((await done("train", [...args, "--dry-run", "--json"])).stdout);
    assertEquals(plan.unfinished_schedules, [says]);
  });
});
