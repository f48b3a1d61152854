import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { ShaderError } from "../../../core/errors.ts";
import { openDevice } from "../../../core/gpu/device.ts";
import { PipelineCache } from "../../../core/gpu/pipeline.ts";
import type { Dispatch } from "../../../core/graph/op.ts";

const GOOD = `
override COUNT: u32 = 1;
@group(0) @binding(0) var<storage, read_write> x: array<f32>;
@compute @workgroup_size(1)
fn forward(@builtin(global_invocation_id) id: vec3<u32>) {
  if (id.x < COUNT) { x[id.x] = 1.0; }
}
`;

function dispatch(changes: Partial<Dispatch> = {}): Dispatch {
  return {
    source: GOOD,
    shader: "example",
    entryPoint: "forward",
    overrides: { COUNT: 4 },
    bindings: [{ role: "output", index: 0 }],
    workgroups: 4,
    ...changes,
  };
}

async function withCache(test: (cache: PipelineCache) => Promise<void>): Promise<void> {
  const { device } = await openDevice();
  try {
    await test(new PipelineCache(device));
  } finally {
    device.destroy();
  }
}

/** Message of the error that a pipeline is refused with. */
async function refusal(cache: PipelineCache, changes: Partial<Dispatch>): Promise<string> {
  const error = await assertRejects(() => cache.pipeline(dispatch(changes)), ShaderError);
  assertEquals(error.exitCode, 3);
  return error.message;
}

Deno.test("PipelineCache names shader, entry point and line of WGSL that does not compile", async () => {
  await withCache(async (cache) => {
    const source = GOOD.replace("x[id.x] = 1.0;", "x[id.x] = undefined_name;");
    const message = await refusal(cache, { source });
    assertStringIncludes(message, 'Cannot compile shader "example", entry point "forward"');
    assertStringIncludes(message, "undefined_name");
    const line = source.split("\n").findIndex((text) => text.includes("undefined_name")) + 1;
    assert(new RegExp(`(line |:)${line}\\b`).test(message), `no line ${line} in: ${message}`);
  });
});

Deno.test("PipelineCache names an entry point that the shader does not have", async () => {
  await withCache(async (cache) => {
    const message = await refusal(cache, { entryPoint: "backward" });
    assertStringIncludes(message, 'Cannot compile shader "example", entry point "backward"');
  });
});

Deno.test("PipelineCache names an override that the shader does not have", async () => {
  await withCache(async (cache) => {
    const message = await refusal(cache, { overrides: { COUNT: 4, COLUMNS: 2 } });
    assertStringIncludes(message, 'shader "example", entry point "forward"');
    assertStringIncludes(message, "COLUMNS");
  });
});

Deno.test("PipelineCache refuses more bindings than it was told of", async () => {
  await withCache(async (cache) => {
    const second = "@group(0) @binding(1) var<storage, read_write> y: array<f32>;";
    const source = `${second}\n${GOOD.replace("= 1.0", "= y[id.x]")}`;
    assertStringIncludes(await refusal(cache, { source }), 'shader "example"');
  });
});

Deno.test("PipelineCache compiles equal dispatches once, others again", async () => {
  await withCache(async (cache) => {
    const first = cache.pipeline(dispatch());
    assertEquals(cache.pipeline(dispatch({ workgroups: 9 })) === first, true);
    assertEquals(cache.size, 1);
    await cache.pipeline(dispatch({ overrides: { COUNT: 5 } }));
    assertEquals(cache.size, 2);
    await first;
  });
});
