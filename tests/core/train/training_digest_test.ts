/**
 * Same bytes on the same adapter, whatever the process, the number of driver threads and the memory layout;
 * gradients of the f64 reference within a band on any adapter.
 */
import { assert, assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { webGpuBackend } from "../../../core/gpu/backend.ts";
import { sizeOf } from "../../../core/graph/shape.ts";
import type { Backend } from "../../../core/plan/backend.ts";
import { referenceBackend } from "../../../core/reference/interpreter.ts";
import { createTrainer, type UpdateMetrics } from "../../../core/train/trainer.ts";
import { relativeError } from "../_trials.ts";
import { trainDigests } from "./_train_digest.ts";
import { TRAINING_CASES, trainingBatches, type TrainingCase } from "./_training_case.ts";

const backend = await webGpuBackend();
globalThis.addEventListener("unload", () => backend.destroy());

/** What `_train_digest.ts` prints in a process of its own. */
async function digestsWith(environment: Readonly<Record<string, string>>): Promise<string> {
  const script = new URL("_train_digest.ts", import.meta.url).pathname;
  const variables = "LP_NUM_THREADS,XDG_RUNTIME_DIR,DENO_WEBGPU_BACKEND,VK_DRIVER_FILES";
  const { code, stdout, stderr } = await new Deno.Command("deno", {
    args: ["run", "-q", "--no-prompt", "--allow-read=.", `--allow-env=${variables}`, script],
    env: environment,
  }).output();
  assertEquals(code, 0, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}

Deno.test("createTrainer() gives the same bytes in other processes, LP_NUM_THREADS 0, 1 and 2", async () => {
  const first = await trainDigests(backend);
  assertMatch(first, /^transformer [0-9a-f]{64}\nresnet_bk [0-9a-f]{64}\n$/);
  const [transformer, resnetBk] = first.trim().split("\n").map((line) => line.split(" ")[1]);
  assertNotEquals(transformer, resnetBk);
  for (const threads of ["0", "1", "2"]) {
    assertEquals(await digestsWith({ LP_NUM_THREADS: threads }), first, `${threads} threads`);
  }
});

interface Outcome {
  readonly rows: readonly UpdateMetrics[];
  readonly activationBytes: number;
  readonly param: Float32Array;
  /** Gradient of each parameter in the last update, by name. */
  readonly gradients: ReadonlyMap<string, Float64Array>;
}

async function train(one: TrainingCase, options: {
  readonly on: Backend;
  readonly updates: number;
  readonly share?: boolean;
}): Promise<Outcome> {
  const { on, updates, share = true } = options;
  const settings = { ...one.settings, share }; // an option of the plan, which the trainer passes on
  const trainer = await createTrainer(on, settings);
  try {
    const { plan } = trainer.program;
    const rows = await trainer.advance(trainingBatches(one), { from: 0, to: updates });
    const [param, grad] = await trainer.program.readArenas(["param", "grad"]);
    const gradients = plan.parameters.map(({ name, tensor }) => {
      const { byteOffset, type } = plan.tensors[tensor];
      const first = byteOffset / 4;
      return [name, Float64Array.from(grad.subarray(first, first + sizeOf(type.shape)))] as const;
    });
    const { activation } = plan.arenaBytes;
    return { rows, activationBytes: activation, param, gradients: new Map(gradients) };
  } finally {
    trainer.destroy();
  }
}

const oracle = referenceBackend({ precision: "f64" });

for (const one of TRAINING_CASES) {
  Deno.test(`createTrainer() gives the same bytes without sharing memory, ${one.name}`, async () => {
    const shared = await train(one, { on: backend, updates: 10 });
    const apart = await train(one, { on: backend, updates: 10, share: false });
    assert(apart.activationBytes > shared.activationBytes, "share: false shares memory");
    assertEquals(apart.param, shared.param);
    assertEquals(apart.rows, shared.rows);
  });

  Deno.test(`createTrainer() has the gradients of the f64 reference within the band, ${one.name}`, async () => {
    const got = await train(one, { on: backend, updates: 1 });
    const want = await train(one, { on: oracle, updates: 1 });
    for (const [name, gradient] of want.gradients) {
      assert(gradient.some((value) => value !== 0), `the gradient of "${name}" is 0`);
      const error = relativeError(got.gradients.get(name)!, gradient);
      // Measured on a software adapter: 1e-6. Each is a sum of some hundred f32 products.
      assert(error <= 2e-5, `the gradient of "${name}" is off by ${error}`);
    }
  });
}
