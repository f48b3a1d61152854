/**
 * One loop over every op: adapter against the f64 definition, gradient against central differences and
 * against the f64 gradient, same bits twice, both presets, and memory of its own against shared memory.
 */
import { assert, assertEquals } from "@std/assert";
import { webGpuBackend } from "../../core/gpu/backend.ts";
import type { Op, Trial } from "../../core/graph/op.ts";
import { directionalDerivative } from "../../core/reference/central_difference.ts";
import { referenceBackend } from "../../core/reference/interpreter.ts";
import { normal } from "../../core/random/normal.ts";
import { stream } from "../../core/random/streams.ts";
import { allOps, relativeError, runTrial, type TracedTrial, traceTrial } from "./_trials.ts";

const only = Deno.args.find((arg) => arg.startsWith("--op="))?.slice("--op=".length);
const ops = (await allOps()).filter((op) => only === undefined || op.name === only);
const oracle = referenceBackend({ precision: "f64" });
// One device per preset for the whole file: opening one per test is slow and leaks on software adapters.
const software = await webGpuBackend({ preset: "software-adapter" });
const gpu = await webGpuBackend({ preset: "gpu" });
globalThis.addEventListener("unload", () => {
  software.destroy();
  gpu.destroy();
});

Deno.test("every op has trials", () => {
  assert(ops.length > 0);
  assertEquals(ops.filter((op) => op.trials.length === 0).map((op) => op.name), []);
});

for (const op of ops) {
  Deno.test(`${op.name}() agrees with its definition on the adapter, both presets`, async () => {
    for (const trial of op.trials) {
      const traced = traceTrial(op, trial);
      const want = await runTrial(traced, oracle);
      const got = await runTrial(traced, software);
      compare(op, trial, { traced, want, got });
      // Fixed orders of summation: the same launch twice, and the other tiles, give the same bytes.
      assertEquals(await runTrial(traced, software), got, `${trial.name}: a second run differs`);
      const other = await runTrial(traced, gpu);
      compare(op, trial, { traced, want, got: other });
      if (software.facts.selfTest.contracts === false) {
        assertEquals(other, got, `${trial.name}: the presets differ in bits`);
      }
      const apart = traceTrial(op, trial, { share: false });
      assertEquals(
        await runTrial(apart, software),
        got,
        `${trial.name}: sharing memory changes bits`,
      );
    }
  });

  if (op.trials.every((trial) => trial.gradientTolerance === false)) continue;
  Deno.test(`${op.name}() has the gradient of its definition`, async () => {
    for (const trial of op.trials) {
      if (trial.gradientTolerance !== false) await checkGradient(op, trial);
    }
  });
}

function compare(op: Op, trial: Trial, at: {
  readonly traced: TracedTrial;
  readonly want: ReadonlyMap<string, Float64Array>;
  readonly got: ReadonlyMap<string, Float64Array>;
}): void {
  const limitOf = (label: string): number =>
    label.startsWith("y") ? trial.tolerance : Number(trial.gradientTolerance);
  for (const [label, want] of at.want) {
    const error = relativeError(at.got.get(label)!, want);
    assert(
      error <= limitOf(label),
      `${op.name}, ${trial.name}: ${label} is off by ${error} > ${limitOf(label)}`,
    );
  }
}

/** Directional derivative of sum(w * y) along random directions, one input at a time, in f64. */
async function checkGradient(op: Op, trial: Trial): Promise<void> {
  const traced = traceTrial(op, trial);
  const found = await runTrial(traced, oracle);
  for (const { index, label } of traced.gradients) {
    const gradient = found.get(label)!;
    if (gradient.length === 0) continue;
    const x = Float64Array.from(traced.values[`x${index}`]);
    const objective = objectiveOf(op, trial, traced, index);
    for (let step = 0; step < 3; step++) {
      const direction = x.map((_, i) =>
        normal(stream(11, `direction${index}`), { step, index: i })
      );
      const want = directionalDerivative(objective, { x, direction, h: 1e-4 });
      const got = gradient.reduce((sum, g, i) => sum + g * direction[i], 0);
      const scale = Math.sqrt(gradient.reduce((sum, g) => sum + g * g, 0));
      const error = Math.abs(got - want) / Math.max(1, scale);
      assert(
        error <= 1e-6,
        `${op.name}, ${trial.name}: gradient ${index} gives ${got}, differences give ${want}`,
      );
    }
  }
}

function objectiveOf(
  op: Op,
  trial: Trial,
  traced: TracedTrial,
  index: number,
): (x: Float64Array) => number {
  const inputs = trial.inputs.map((_, k) => Float64Array.from(traced.values[`x${k}`]));
  const types = trial.inputs.map((input) => input.type);
  const outputTypes = op.infer(types, trial.attributes);
  return (x) => {
    const outputs = outputTypes.map((type) =>
      new Float64Array(type.shape.reduce((a, b) => a * b, 1))
    );
    const given = inputs.map((values, k) => k === index ? x : values);
    op.reference({ inputs: types, outputs: outputTypes, attributes: trial.attributes }, {
      inputs: given,
      outputs,
    });
    let total = 0;
    outputs.forEach((y, k) => {
      const w = traced.values[`w${k}`];
      if (w) y.forEach((value, i) => total += value * w[i]);
    });
    return total;
  };
}
