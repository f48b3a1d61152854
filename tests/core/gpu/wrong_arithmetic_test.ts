import { assert, assertEquals, assertRejects } from "@std/assert";
import { DeviceError } from "../../../core/errors.ts";
import { openDevice } from "../../../core/gpu/device.ts";
import { PipelineCache } from "../../../core/gpu/pipeline.ts";
import { testArithmetic } from "../../../core/gpu/self_test.ts";

const open = await openDevice();
globalThis.addEventListener("unload", () => open.destroy());

/** The device as a faulty driver would be: it compiles other code than it is given. */
function faulty(device: GPUDevice, miscompile: (code: string) => string): GPUDevice {
  return new Proxy(device, {
    get: (target, name) => {
      if (name === "createShaderModule") {
        return ({ code }: { code: string }) => {
          const other = miscompile(code);
          assert(other !== code, "the shader no longer has what the fault replaces");
          return target.createShaderModule({ code: other });
        };
      }
      const value = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

const test = (device: GPUDevice) => testArithmetic(device, new PipelineCache(device));

Deno.test("testArithmetic() passes on the adapter at hand", async () => {
  const { exactCases, divisionUlp, sqrtUlp } = await test(open.device);
  assertEquals(exactCases, 253);
  assert(divisionUlp <= 4 && sqrtUlp <= 4);
});

// Each fault is of a kind that drivers have had: lost low bits, wrong order, a bound that is too loose, and
// comparisons that assume there are no NaNs.
const FAULTS: readonly (readonly [fault: string, from: string, to: string, message: string])[] = [
  [
    "an addition one ulp off",
    "= a + b;",
    "= bitcast<f32>(bitcast<u32>(a + b) + 1u);",
    "a + b for (",
  ],
  ["a subtraction turned round", "= a - b;", "= b - a;", "a - b for ("],
  [
    "a product in fewer bits",
    "= a * b;",
    "= bitcast<f32>(bitcast<u32>(a * b) & 0xfffffff0u);",
    "a * b for (",
  ],
  ["a loose division", "= a / b;", "= a / b * 1.000001;", "/ is off by"],
  ["a loose root", "= sqrt(abs(a));", "= sqrt(abs(a)) * 0.999999;", "and sqrt by"],
  ["a NaN that is not seen", "select(0f, 1f,", "select(0f, 0f,", "the bit test for NaN"],
  ["results that are all NaN", "= a / b;", "= x[COUNT].x / b;", "/ is off by NaN"],
];

for (const [fault, from, to, message] of FAULTS) {
  Deno.test(`testArithmetic() refuses a device with ${fault}`, async () => {
    const broken = faulty(open.device, (code) => code.replace(from, to));
    const error = await assertRejects(() => test(broken), DeviceError, message);
    assert(error.message.startsWith("The device failed its self-test: "));
    assertEquals(error.exitCode, 3);
  });
}
