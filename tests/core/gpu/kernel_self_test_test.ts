import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { DeviceError } from "../../../core/errors.ts";
import { backendOn, webGpuBackend } from "../../../core/gpu/backend.ts";
import { openDevice } from "../../../core/gpu/device.ts";
import { testKernels } from "../../../core/gpu/kernel_self_test.ts";
import { SELF_TEST_CASES, selfTestPlan } from "../../../core/gpu/kernel_self_test_cases.ts";
import type { Preset } from "../../../core/graph/op.ts";
import { referenceBackend } from "../../../core/reference/interpreter.ts";

/** The self-test of a device that computes in f32 by definition, with one element of one result spoilt. */
function testSpoilt(
  label: string,
  spoil: (value: number, preset: Preset) => number,
) {
  const device = referenceBackend({ precision: "f32" });
  return testKernels({
    description: "spoilt device",
    compile: async (plan, preset) => {
      const program = await device.compile(plan);
      const read = program.read.bind(program);
      return Object.assign(program, {
        read: async (name: string) => {
          const values = await read(name);
          if (name === label) values[values.length - 1] = spoil(values[values.length - 1], preset);
          return values;
        },
      });
    },
  });
}

Deno.test("testKernels() passes f32 by definition, with errors of f32", async () => {
  const found = await testSpoilt("none", (value) => value);
  assertEquals(found.presetsAgree, true);
  // Rounding to f32 alone: half a unit in the last place, 6e-8 of the largest value.
  assert(found.expUlp > 0 && found.expUlp <= 0.5, `exp is off by ${found.expUlp} ulp`);
  for (
    const name of [
      "matmulGpuError",
      "matmulSoftwareAdapterError",
      "tailError",
      "scanError",
      "haloError",
      "carryError",
      "mixerError",
      "sumError",
    ]
  ) {
    const error = Number(found[name]);
    assert(error > 0 && error <= 2 ** -24, `${name} is ${error}`);
  }
});

Deno.test("testKernels() runs the mixer, both ways of halves and a product with elementwise ops in its kernel", () => {
  const ops = new Set(selfTestPlan().steps.map(({ op }) => op.name));
  for (const name of ["matmul+multiply+add", "resolvent_mixer", "pack_f16", "unpack_f16"]) {
    assert(ops.has(name), `expected ${name} among ${[...ops].join(", ")}`);
  }
});

for (const label of SELF_TEST_CASES) {
  Deno.test(`testKernels() refuses a device whose ${label} is off by a thousandth, or NaN`, async () => {
    const wrong = await assertRejects(
      () => testSpoilt(label, (value) => value * 1.001 + 1e-3),
      DeviceError,
    );
    assertStringIncludes(wrong.message, `"spoilt device" failed its self-test: element`);
    assertStringIncludes(wrong.message, `of ${label} with the tiles of "gpu" is `);
    assert(/ is \S+, expected \S+: off by \S+, at most \S+ is allowed/.test(wrong.message));
    await assertRejects(() => testSpoilt(label, () => NaN), DeviceError, "is NaN, expected");
  });
}

Deno.test("testKernels() refuses presets that are further apart than the band, though each is inside it", async () => {
  // The band of a product is 9.2e-6 of its largest element, which is 11.3 here, and that of the sum 1e-6 of 993.
  for (const [label, by] of [["matmul", 6e-5], ["sum", 8e-4]] as const) {
    const wrong = await assertRejects(
      () => testSpoilt(label, (value, preset) => value + (preset === "gpu" ? by : -by)),
      DeviceError,
      `of ${label} is `,
    );
    assert(
      / is \S+ with the tiles of "gpu" and \S+ with those of "software-adapter": apart by \S+, at most \S+ is allowed/
        .test(wrong.message),
      wrong.message,
    );
    const close = await testSpoilt(label, (value, preset) => preset === "gpu" ? value + by : value);
    assertEquals(close.presetsAgree, false);
  }
});

Deno.test("webGpuBackend() records the same self-test for every device of an adapter", async () => {
  const [one, other] = [await webGpuBackend(), await webGpuBackend({ preset: "gpu" })];
  one.destroy();
  other.destroy();
  assertEquals(other.facts.selfTest, one.facts.selfTest);
  assertEquals(other.facts.adapter, one.facts.adapter);
  for (const value of Object.values(one.facts.selfTest)) {
    assert(typeof value === "boolean" || Number.isFinite(value), `${value} is no result`);
  }
});

Deno.test("backendOn() frees every buffer of its self-test", async () => {
  const open = await openDevice();
  const alive = new Set<GPUBuffer>();
  let made = 0;
  const createBuffer = open.device.createBuffer.bind(open.device);
  open.device.createBuffer = (descriptor) => {
    const buffer = createBuffer(descriptor);
    const destroy = buffer.destroy.bind(buffer);
    buffer.destroy = () => {
      alive.delete(buffer);
      return destroy();
    };
    alive.add(buffer);
    made += 1;
    return buffer;
  };
  const backend = await backendOn(open);
  backend.destroy();
  assert(made > 5, `only ${made} buffers were seen`);
  assertEquals(alive.size, 0);
});
