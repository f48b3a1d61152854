/**
 * Whole training runs against PyTorch: ten updates from the same initial bytes on the same batches.
 * tests/golden/training_torch.py has its own models, loss, schedule and split of parameters.
 */
import { assert, assertEquals } from "@std/assert";
import golden from "../../golden/training_torch.json" with { type: "json" };
import { webGpuBackend } from "../../../core/gpu/backend.ts";
import type { ArenaName } from "../../../core/plan/plan.ts";
import type { Program } from "../../../core/plan/backend.ts";
import { sizeOf } from "../../../core/graph/shape.ts";
import { referenceBackend } from "../../../core/reference/interpreter.ts";
import { METRIC_COLUMNS, METRIC_WIDTH } from "../../../core/train/metric_columns.ts";
import { createTrainer } from "../../../core/train/trainer.ts";
import { assertClose } from "../stats/_assert_close.ts";
import { TRAINING_CASES, trainingBatches } from "./_training_case.ts";

const backend = await webGpuBackend();
globalThis.addEventListener("unload", () => backend.destroy());

const STEPS = 10;

/** Euclidean norm of every parameter by name; `param` is the whole arena. */
function parameterNorms(
  { plan }: Program,
  param: Float32Array | Float64Array,
): Record<string, number> {
  return Object.fromEntries(plan.parameters.map(({ name, tensor }) => {
    const { byteOffset, type } = plan.tensors[tensor];
    const first = byteOffset / 4;
    const values = [...param.subarray(first, first + sizeOf(type.shape))];
    return [name, Math.sqrt(values.reduce((sum, x) => sum + x * x, 0))];
  }));
}

/** The interpreter's memory; `readArenas` would round it to f32. */
function arenasOf(program: Program): Readonly<Record<ArenaName, Float64Array>> {
  const { arenas } = program as unknown as { arenas: Record<ArenaName, Float64Array> };
  assert(arenas.param instanceof Float64Array);
  return arenas;
}

for (const one of TRAINING_CASES) {
  const { exact, stored } = golden[one.name];

  Deno.test(`createTrainer() clips in some updates and not in others, ${one.name}`, () => {
    const { gradClip } = one.settings.optimiser;
    const clipped = exact.gradNorms.filter((norm) => norm > gradClip).length;
    assert(clipped >= 2 && clipped <= STEPS - 2, `${clipped} clipped updates`);
  });

  Deno.test(`createTrainer() follows PyTorch for ten updates on the adapter, ${one.name}`, async () => {
    const trainer = await createTrainer(backend, one.settings);
    try {
      const rows = await trainer.advance(trainingBatches(one), { from: 0, to: STEPS });
      assertEquals(rows.length, exact.losses.length);
      rows.forEach(({ loss, gradNorm, finite }, i) => {
        assert(finite);
        // Measured on a software adapter: 2e-7 and 2e-6; f32 sums of a few hundred terms.
        assertClose([`loss ${i}`, loss], exact.losses[i], { relative: 2e-5 });
        assertClose([`norm ${i}`, gradNorm], exact.gradNorms[i], { relative: 2e-4 });
      });
      const norms = parameterNorms(trainer.program, (await trainer.save(STEPS)).param);
      assertEquals(Object.keys(norms).sort(), Object.keys(exact.parameterNorms).sort());
      for (const [name, want] of Object.entries(exact.parameterNorms)) {
        assertClose([name, norms[name]], want, { relative: 2e-4 });
      }
    } finally {
      trainer.destroy();
    }
  });

  Deno.test(`createTrainer() follows PyTorch to 1e-12 on the f64 reference, ${one.name}`, async () => {
    const trainer = await createTrainer(referenceBackend({ precision: "f64" }), one.settings);
    await trainer.advance(trainingBatches(one), { from: 0, to: STEPS });
    const { metric, param } = arenasOf(trainer.program);
    const norms = parameterNorms(trainer.program, param);
    for (let i = 0; i < STEPS; i++) {
      const loss = metric[i * METRIC_WIDTH + METRIC_COLUMNS.loss];
      const norm = metric[i * METRIC_WIDTH + METRIC_COLUMNS.gradNorm];
      assertClose([`loss ${i}`, loss], stored.losses[i], { relative: 1e-12 });
      assertClose([`norm ${i}`, norm], stored.gradNorms[i], { relative: 1e-12 });
      // What is left to torch.optim.AdamW with f64 constants is the rounding of ours to f32.
      assertClose([`loss ${i}, exact`, loss], exact.losses[i], { relative: 2e-8 });
    }
    for (const [name, want] of Object.entries(stored.parameterNorms)) {
      assertClose([name, norms[name]], want, { relative: 1e-12 });
    }
  });
}
