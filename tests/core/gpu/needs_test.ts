import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { DeviceError } from "../../../core/errors.ts";
import { webGpuBackend } from "../../../core/gpu/backend.ts";
import { findAdapter } from "../../../core/gpu/device.ts";
import { planNeeds, refuseBeyondLimits } from "../../../core/gpu/needs.ts";
import { f32, i32 } from "../../../core/graph/shape.ts";
import { Graph } from "../../../core/graph/tensor.ts";
import { embedding } from "../../../core/ops/embedding.ts";
import { matmul } from "../../../core/ops/matmul.ts";
import { slice } from "../../../core/ops/slice.ts";
import { sum } from "../../../core/ops/sum.ts";
import type { AdapterFacts } from "../../../core/plan/adapter_facts.ts";
import { compilePlan } from "../../../core/plan/compile_plan.ts";
import { gradientsOf } from "../../../core/plan/differentiate.ts";
import type { Plan } from "../../../core/plan/plan.ts";

/** c (64, 32) = a (64, 48) b (48, 32), and the sums of its columns. */
function productPlan(): Plan {
  const graph = new Graph();
  const c = matmul(graph.input("a", f32(64, 48)), graph.input("b", f32(48, 32)));
  graph.output("sums", sum(c, { axis: 0 }));
  return compilePlan(graph);
}

const ENDLESS = {
  maxBufferSize: 2 ** 40,
  maxStorageBufferBindingSize: 2 ** 40,
  maxStorageBuffersPerShaderStage: 8,
  maxComputeWorkgroupsPerDimension: 65535,
};

function adapterWith(limits: Partial<typeof ENDLESS>): AdapterFacts {
  return {
    vendor: "",
    architecture: "",
    device: "",
    description: "paper adapter",
    isFallbackAdapter: true,
    features: [],
    limits: { ...ENDLESS, ...limits },
  };
}

Deno.test("planNeeds() finds the largest binding, the most bindings and the most workgroups", () => {
  const needs = planNeeds(productPlan(), "gpu");
  // Four bytes a number, by hand: a 12288, b 6144, c 8192, sums 128.
  assertEquals(needs.largestBinding, {
    label: "matmul",
    kernel: "matmul/tile_64",
    tensor: "a",
    arena: "io",
    bytes: 12288,
  });
  assertEquals(needs.mostBindings, { label: "matmul", kernel: "matmul/tile_64", bindings: 3 });
  assertEquals(needs.mostWorkgroups?.workgroups, 1); // one tile of 64, and 32 sums in one group
  assertEquals(needs.launches, 2);
  assertEquals(needs.arenaBytes.io, 12288 + 6144);
  assertEquals(needs.arenaBytes.param, 0);
  assertEquals(needs.totalBytes, needs.arenaBytes.io + needs.arenaBytes.activation);
});

Deno.test("planNeeds() of a plan without launches has no largest launch", () => {
  const needs = planNeeds(compilePlan(new Graph()), "gpu");
  assertEquals([needs.launches, needs.largestBinding, needs.mostBindings], [0, null, null]);
});

Deno.test("refuseBeyondLimits() accepts what fits exactly", () => {
  const limits = { maxBufferSize: 12288 + 6144, maxStorageBufferBindingSize: 12288 };
  const exact = adapterWith({ ...limits, maxStorageBuffersPerShaderStage: 3 });
  refuseBeyondLimits(planNeeds(productPlan(), "gpu"), exact);
});

for (
  const [limits, message] of [
    [{ maxBufferSize: 18431 }, 'arena "io" in bytes needs 18432, maxBufferSize is 18431'],
    [
      { maxStorageBufferBindingSize: 12287 },
      'tensor "a", which "matmul" (matmul/tile_64) cannot bind in smaller parts, in bytes needs 12288, ' +
      "maxStorageBufferBindingSize is 12287",
    ],
    [
      { maxStorageBuffersPerShaderStage: 2 },
      '"matmul" (matmul/tile_64) in storage bindings needs 3, maxStorageBuffersPerShaderStage is 2',
    ],
  ] as const
) {
  Deno.test(`refuseBeyondLimits() names the need and the limit, ${Object.keys(limits)}`, () => {
    const needs = planNeeds(productPlan(), "gpu");
    const error = assertThrows(() => refuseBeyondLimits(needs, adapterWith(limits)), DeviceError);
    assertStringIncludes(error.message, 'Cannot run the plan on "paper adapter"');
    assertStringIncludes(error.message, message);
    assertStringIncludes(error.message, `${needs.totalBytes} bytes`);
    assertEquals(error.exitCode, 3);
  });
}

Deno.test("refuseBeyondLimits() refuses a grid that two dimensions cannot hold", () => {
  const graph = new Graph();
  graph.output("sums", sum(graph.input("x", f32(2, 64 * 10)), { axis: 0 }));
  const needs = planNeeds(compilePlan(graph), "gpu");
  assertEquals(needs.mostWorkgroups?.workgroups, 10);
  refuseBeyondLimits(needs, adapterWith({ maxComputeWorkgroupsPerDimension: 4 })); // 4 x 4 >= 10
  assertThrows(
    () => refuseBeyondLimits(needs, adapterWith({ maxComputeWorkgroupsPerDimension: 3 })),
    DeviceError,
    "10 workgroups, in grid rows needs 4, maxComputeWorkgroupsPerDimension is 3",
  );
});

Deno.test("refuseBeyondLimits() refuses loops that a software adapter would cut short", () => {
  const plan = (inner: number) => {
    const graph = new Graph();
    const a = graph.input("a", f32(1, inner));
    graph.output("c", matmul(a, graph.input("b", f32(inner, 1))));
    return planNeeds(compilePlan(graph), "software-adapter");
  };
  refuseBeyondLimits(plan(65_535), { ...adapterWith({}), isFallbackAdapter: true });
  refuseBeyondLimits(plan(65_537), { ...adapterWith({}), isFallbackAdapter: false });
  assertThrows(
    () => refuseBeyondLimits(plan(65_537), { ...adapterWith({}), isFallbackAdapter: true }),
    DeviceError,
    "loops up to 65537 times in one invocation",
  );
});

Deno.test("refuseBeyondLimits() lists every limit that is exceeded", () => {
  const none = adapterWith({ maxBufferSize: 1, maxStorageBuffersPerShaderStage: 1 });
  const { message } = assertThrows(
    () => refuseBeyondLimits(planNeeds(productPlan(), "gpu"), none),
    DeviceError,
  );
  for (const part of ['arena "io"', 'arena "activation"', "in storage bindings"]) {
    assertStringIncludes(message, part);
  }
});

Deno.test("planNeeds() of a table of 50,257 rows of 768 and its gradient stays within what every adapter binds", () => {
  const graph = new Graph();
  const table = graph.input("table", f32(50_257, 768)); // 147 MiB, where WebGPU promises 128
  const y = embedding(table, graph.input("ids", i32(8, 1024)));
  const [gradient] = gradientsOf([{ tensor: y, cotangent: graph.input("dy", y.type) }], [table]);
  graph.output("gradient", gradient);
  graph.output("y", y);
  for (const preset of ["gpu", "software-adapter"] as const) {
    const { largestBinding } = planNeeds(compilePlan(graph), preset);
    assert(largestBinding!.bytes <= 2 ** 26, JSON.stringify(largestBinding));
  }
});

Deno.test("Backend.compile() refuses a tensor beyond the adapter's binding before it allocates", async () => {
  const { facts } = await findAdapter();
  const rows = facts.limits.maxStorageBufferBindingSize / 256 + 1;
  const graph = new Graph();
  // Cut along its first axis it is one row of the kernel, and rows are what launches are cut by.
  const table = graph.input("table", f32(rows, 64));
  graph.output("y", slice(table, { axis: 0, from: 1, to: 4 }));
  const plan = compilePlan(graph);
  const backend = await webGpuBackend();
  try {
    const before = Deno.memoryUsage().rss;
    const error = await assertRejects(() => backend.compile(plan), DeviceError);
    assertStringIncludes(error.message, 'tensor "table", which "slice" (slice/forward)');
    assertStringIncludes(error.message, "cannot bind in smaller parts");
    assertStringIncludes(error.message, `needs ${rows * 256}`);
    assertStringIncludes(error.message, `is ${facts.limits.maxStorageBufferBindingSize}`);
    const grown = Deno.memoryUsage().rss - before;
    if (!(grown < 2 ** 25)) throw new Error(`The refusal took ${grown} bytes`);
  } finally {
    backend.destroy();
  }
});
