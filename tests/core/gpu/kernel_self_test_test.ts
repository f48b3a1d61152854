import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { DeviceError } from "../../../core/errors.ts";
import { backendOn, webGpuBackend } from "../../../core/gpu/backend.ts";
import { openDevice } from "../../../core/gpu/device.ts";
import { testKernels } from "../../../core/gpu/kernel_self_test.ts";
import { referenceBackend } from "../../../core/reference/interpreter.ts";

/** The self-test of a device that computes in f32 by definition, with one element of one result spoilt. */
function testSpoilt(label: string, spoil: (value: number) => number) {
  const device = referenceBackend({ precision: "f32" });
  return testKernels({
    description: "spoilt device",
    compile: async (plan) => {
      const program = await device.compile(plan);
      const read = program.read.bind(program);
      return Object.assign(program, {
        read: async (name: string) => {
          const values = await read(name);
          if (name === label) values[values.length - 1] = spoil(values[values.length - 1]);
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
      "scanError",
      "haloError",
      "carryError",
      "sumError",
    ]
  ) {
    const error = Number(found[name]);
    assert(error > 0 && error <= 2 ** -24, `${name} is ${error}`);
  }
});

for (const label of ["matmul", "exp", "scan", "halo", "carry", "sum", "threefry"]) {
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
