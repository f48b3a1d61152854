/** Training gives the same bytes in every process, for every number of driver threads and memory layout. */
import { assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { webGpuBackend } from "../../../core/gpu/backend.ts";
import type { Plan } from "../../../core/plan/plan.ts";
import { initialParameters } from "../../../core/train/initial_parameters.ts";
import { integerPower, learningRate } from "../../../core/train/learning_rate.ts";
import { METRIC_WIDTH, RING_SLOTS } from "../../../core/train/metric_columns.ts";
import { microBatchInputs, trainingPlan } from "../../../core/train/training_graph.ts";
import { TRAINING_CASES, trainingBatches, type TrainingCase } from "./_training_case.ts";

const backend = await webGpuBackend();
globalThis.addEventListener("unload", () => backend.destroy());

/** One line per training case: its name and the SHA-256 of its parameters after twenty updates. */
async function digestsWith(environment: Readonly<Record<string, string>>): Promise<string> {
  const script = new URL("_train_digest.ts", import.meta.url).pathname;
  const { code, stdout, stderr } = await new Deno.Command("deno", {
    args: [
      "run",
      "-q",
      "--no-prompt",
      "--allow-read=.",
      "--allow-env=LP_NUM_THREADS,XDG_RUNTIME_DIR,DENO_WEBGPU_BACKEND,VK_DRIVER_FILES",
      script,
    ],
    env: environment,
  }).output();
  assertEquals(code, 0, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}

Deno.test("createTrainer() gives the same bytes in other processes, LP_NUM_THREADS 0, 1 and 2", async () => {
  const first = await digestsWith({ LP_NUM_THREADS: "0" });
  assertMatch(first, /^transformer [0-9a-f]{64}\nresnet_bk [0-9a-f]{64}\n$/);
  const [transformer, resnetBk] = first.trim().split("\n").map((line) => line.split(" ")[1]);
  assertNotEquals(transformer, resnetBk);
  for (const threads of ["0", "1", "2"]) {
    assertEquals(await digestsWith({ LP_NUM_THREADS: threads }), first, `${threads} threads`);
  }
});

interface Outcome {
  readonly param: Float32Array;
  readonly metric: Float32Array;
}

/** Ten updates of a plan from the case's first parameters. */
async function train(plan: Plan, { settings, ...rest }: TrainingCase): Promise<Outcome> {
  const { schedule, optimiser, seed } = settings;
  const batches = trainingBatches({ settings, ...rest });
  const program = await backend.compile(plan);
  try {
    program.write("param", initialParameters(plan, seed));
    for (let step = 0; step < schedule.steps; step++) {
      const t = step + 1;
      const corrections = [optimiser.beta1, optimiser.beta2].map((beta) =>
        1 / (1 - integerPower(beta, t))
      );
      const { tokens, targets } = batches(step);
      const names = microBatchInputs(0);
      program.step({
        [names.tokens]: tokens,
        [names.targets]: targets,
        schedule: Float32Array.of(learningRate(schedule, t), ...corrections),
        slot: Int32Array.of(step),
      });
    }
    const [param, metric] = await program.readArenas(["param", "metric"]);
    return { param, metric: metric.subarray(0, RING_SLOTS * METRIC_WIDTH) };
  } finally {
    program.destroy();
  }
}

for (const one of TRAINING_CASES) {
  Deno.test(`trainingPlan() trains to the same bytes without sharing memory, ${one.name}`, async () => {
    const shared = trainingPlan(one.settings);
    const apart = trainingPlan({ ...one.settings, share: false });
    // Otherwise the comparison would be of a plan with itself.
    assertNotEquals(apart.digest, shared.digest);
    assertEquals(apart.arenaBytes.activation > shared.arenaBytes.activation, true);
    const want = await train(shared, one);
    assertEquals(await train(apart, one), want);
    assertNotEquals(want.param, initialParameters(shared, one.settings.seed));
  });
}
