/** Proves a device's arithmetic before anything is trusted to it. */
import source from "../../shaders/self_test.wgsl" with { type: "text" };
import { DeviceError } from "../errors.ts";
import { bits, stream } from "../random/streams.ts";
import type { PipelineCache } from "./pipeline.ts";

/** What the self-test found; it goes into every record. */
export interface ArithmeticResult {
  readonly [key: string]: number | boolean;
  /** Cases whose + - * had exactly the bits of IEEE 754 single precision (all of them, or the test fails). */
  readonly exactCases: number;
  /** Largest error of / and sqrt in units in the last place; WGSL allows more than 0. */
  readonly divisionUlp: number;
  readonly sqrtUlp: number;
  /** Whether a * b - c is computed with one rounding. */
  readonly contracts: boolean;
}

const PAIRS = 253;
const BIAS = 1;
/** WGSL promises 2.5 ulp for division and inherits as much for sqrt. */
const ULP_LIMIT = 4;

/** @throws {DeviceError} If a result is not what the language promises */
export async function testArithmetic(
  device: GPUDevice,
  pipelines: PipelineCache,
): Promise<ArithmeticResult> {
  const pairs = casePairs();
  const results = await runCases(device, { pipelines, pairs });
  let divisionUlp = 0;
  let sqrtUlp = 0;
  let fused = 0;
  for (let i = 0; i < PAIRS; i++) {
    const [a, b] = [pairs[2 * i], pairs[2 * i + 1]];
    const [sum, difference, product, quotient, root, biased, isNaN] = results.subarray(
      7 * i,
      7 * i + 7,
    );
    expectExact("a + b", sum, Math.fround(a + b), [a, b]);
    expectExact("a - b", difference, Math.fround(a - b), [a, b]);
    expectExact("a * b", product, Math.fround(a * b), [a, b]);
    expectExact("the bit test for NaN", isNaN, 1, [a, b]);
    divisionUlp = Math.max(divisionUlp, ulpDistance(quotient, a / b));
    sqrtUlp = Math.max(sqrtUlp, ulpDistance(root, Math.sqrt(Math.abs(a))));
    if (biased !== Math.fround(Math.fround(a * b) - BIAS)) fused++;
  }
  if (!(divisionUlp <= ULP_LIMIT) || !(sqrtUlp <= ULP_LIMIT)) {
    throw new DeviceError(
      `The device failed its self-test: / is off by ${divisionUlp} ulp and sqrt by ${sqrtUlp}, expected at most ${ULP_LIMIT}`,
    );
  }
  return { exactCases: PAIRS, divisionUlp, sqrtUlp, contracts: fused > 0 };
}

/** Pairs of normal numbers between 2^-20 and 2^20 of both signs, from a fixed stream. */
function casePairs(): Float32Array<ArrayBuffer> {
  const words = stream(0, "self_test");
  const values = Float32Array.from({ length: 2 * PAIRS + 2 }, (_, index) => {
    const word = bits(words, { step: 0, index });
    const exponent = ((word >>> 23) % 41) - 20;
    return (word >>> 31 ? -1 : 1) * (1 + (word & 0x7fffff) / 0x800000) * 2 ** exponent;
  });
  values[2 * PAIRS] = NaN;
  return values;
}

async function runCases(device: GPUDevice, options: {
  readonly pipelines: PipelineCache;
  readonly pairs: Float32Array<ArrayBuffer>;
}): Promise<Float32Array> {
  const { pipelines, pairs } = options;
  const pipeline = await pipelines.pipeline({
    source,
    shader: "self_test",
    entryPoint: "forward",
    overrides: { COUNT: PAIRS, BIAS, WORKGROUP: 64 },
    bindings: [{ role: "input", index: 0 }, { role: "output", index: 0 }],
    workgroups: Math.ceil(PAIRS / 64),
  });
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
  const x = device.createBuffer({ size: pairs.byteLength, usage });
  const y = device.createBuffer({ size: 28 * PAIRS, usage });
  const staging = device.createBuffer({
    size: 28 * PAIRS,
    usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST,
  });
  try {
    device.queue.writeBuffer(x, 0, pairs);
    const entries = [x, y].map((buffer, binding) => ({ binding, resource: { buffer } }));
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, device.createBindGroup({ layout: pipelines.layout(2), entries }));
    pass.dispatchWorkgroups(Math.ceil(PAIRS / 64));
    pass.end();
    encoder.copyBufferToBuffer(y, 0, staging, 0, 28 * PAIRS);
    device.queue.submit([encoder.finish()]);
    await staging.mapAsync(GPUMapMode.READ);
    return new Float32Array(staging.getMappedRange().slice(0));
  } finally {
    [x, y, staging].forEach((buffer) => buffer.destroy());
  }
}

function expectExact(what: string, got: number, want: number, pair: readonly number[]): void {
  if (!Object.is(got, want)) {
    throw new DeviceError(
      `The device failed its self-test: ${what} for (${
        pair.join(", ")
      }) is ${got}, expected ${want}`,
    );
  }
}

/** Distance of `got` from the exact value, in f32 units in the last place of that value. */
function ulpDistance(got: number, exact: number): number {
  const ulp = 2 ** (Math.floor(Math.log2(Math.abs(exact))) - 23);
  return exact === 0 ? Math.abs(got) / 2 ** -149 : Math.abs(got - exact) / ulp;
}
