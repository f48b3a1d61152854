/** Options of the training plan that must not change what is computed: fusion, checkpointing, accumulation. */
import { assert, assertEquals } from "@std/assert";
import { webGpuBackend } from "../../../core/gpu/backend.ts";
import { ALL_FUSION, NO_FUSION } from "../../../core/plan/fuse.ts";
import { createTrainer } from "../../../core/train/trainer.ts";
import { type TrainingGraphOptions, trainingPlan } from "../../../core/train/training_graph.ts";
import { CONFIGS, settingsOf, someTokens } from "../models/_conformance.ts";

const backend = await webGpuBackend();
globalThis.addEventListener("unload", () => backend.destroy());

const UPDATES = 3;
const ROWS = 4;
const LENGTH = 24;

type Options = Partial<
  Pick<
    TrainingGraphOptions,
    "fusion" | "checkpointing" | "accumulation" | "share" | "offloadMoments"
  >
>;

/** Losses and final parameters of a few updates on the same rows, however they are cut. */
async function train(config: typeof CONFIGS[number], options: Options) {
  const batch = ROWS / (options.accumulation ?? 1);
  const settings = settingsOf(config, { shape: { batch, seqLen: LENGTH }, steps: UPDATES });
  const trainer = await createTrainer(backend, { ...settings, ...options });
  try {
    const rows = await trainer.advance((step) => ({
      tokens: someTokens(`tokens${step}`, ROWS * LENGTH),
      targets: someTokens(`targets${step}`, ROWS * LENGTH),
    }), { from: 0, to: UPDATES });
    return { losses: rows.map((row) => row.loss), ...await trainer.save(UPDATES) };
  } finally {
    trainer.destroy();
  }
}

function planOf(config: typeof CONFIGS[number], options: Options) {
  const settings = settingsOf(config, { shape: { batch: 4, seqLen: 64 }, steps: UPDATES });
  return trainingPlan({ ...settings, ...options });
}

for (const kind of ["resnet-bk", "transformer"] as const) {
  // The first of its kind has no balancing loss and no noise, which see each micro-batch by itself.
  const config = CONFIGS.find((candidate) => candidate.kind === kind)!;
  Deno.test(`${config.kind}: taking an operand's memory changes no bit`, async () => {
    for (const chains of [false, true]) {
      const apart = await train(config, { fusion: { ...NO_FUSION, chains } });
      assertEquals(
        (await train(config, { fusion: { ...NO_FUSION, chains, inPlace: true } })).param,
        apart.param,
      );
    }
  });

  Deno.test(`${config.kind}: products with tails train like products and tails apart`, async () => {
    const separate = await train(config, { fusion: NO_FUSION });
    const tailed = await train(config, { fusion: { ...NO_FUSION, tails: true } });
    assert(
      planOf(config, { fusion: { ...NO_FUSION, tails: true } }).steps.some(({ op }) =>
        op.name.startsWith("matmul+")
      ),
    );
    tailed.losses.forEach((loss, k) => assert(Math.abs(loss - separate.losses[k]) <= 1e-6 * loss));
  });

  Deno.test(`${config.kind}: fused chains train like separate ones`, async () => {
    const fused = await train(config, { fusion: ALL_FUSION });
    const separate = await train(config, { fusion: NO_FUSION });
    // Within one kernel a compiler may regroup constants, so bits may differ; 1e-6 is about 8 ulp.
    fused.losses.forEach((loss, k) => assert(Math.abs(loss - separate.losses[k]) <= 1e-6 * loss));
  });

  Deno.test(`${config.kind}: fusion needs fewer launches and no more memory`, () => {
    const all = planOf(config, { fusion: ALL_FUSION });
    const none = planOf(config, { fusion: NO_FUSION });
    assert(all.steps.length < none.steps.length);
    assert(all.arenaBytes.activation <= none.arenaBytes.activation);
    assert(all.digest !== none.digest);
  });

  Deno.test(`${config.kind}: checkpointing gives the same bits in less memory`, async () => {
    const kept = await train(config, { checkpointing: false });
    const again = await train(config, { checkpointing: true });
    assertEquals(again.param, kept.param);
    const bytes = (checkpointing: boolean) =>
      planOf(config, { checkpointing }).arenaBytes.activation;
    assert(bytes(true) < bytes(false));
  });

  Deno.test(`${config.kind}: moments in host memory give the same bits in less device memory`, async () => {
    const away = await train(config, { offloadMoments: true });
    assertEquals(away, await train(config, {}));
    const bytes = (offloadMoments: boolean) =>
      Object.values(planOf(config, { offloadMoments }).arenaBytes).reduce(
        (sum, size) => sum + size,
        0,
      );
    assert(bytes(true) < bytes(false));
  });

  Deno.test(`${config.kind}: memory of its own for every tensor gives the same bits`, async () => {
    assertEquals((await train(config, { share: false })).param, (await train(config, {})).param);
  });

  Deno.test(`${config.kind}: accumulated micro-batches agree with one batch`, async () => {
    const whole = await train(config, {});
    for (const accumulation of [2, 4]) {
      const cut = await train(config, { accumulation });
      // The sums over rows are cut elsewhere, so they agree to rounding; AdamW's sign-like first step
      // amplifies it in single parameters, so losses are compared.
      cut.losses.forEach((loss, k) => assert(Math.abs(loss - whole.losses[k]) <= 1e-4 * loss));
    }
  });
}
