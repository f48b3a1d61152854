import { assertEquals, assertStringIncludes } from "@std/assert";

/** What `_open_backend.ts` prints on a Vulkan loader that finds no driver. */
async function openWithoutDriver(): Promise<Readonly<Record<string, unknown>>> {
  const script = new URL("_open_backend.ts", import.meta.url).pathname;
  const { code, stdout, stderr } = await new Deno.Command("deno", {
    args: ["run", "-q", "--no-prompt", "--allow-env=XDG_RUNTIME_DIR", script],
    env: { DENO_WEBGPU_BACKEND: "vulkan", VK_DRIVER_FILES: "/nonexistent" },
  }).output();
  assertEquals(code, 0, new TextDecoder().decode(stderr));
  return JSON.parse(new TextDecoder().decode(stdout));
}

Deno.test({
  name: "webGpuBackend() without an adapter is a NoAdapterError that says how to get a driver",
  // Elsewhere drivers are no files that a variable could hide.
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    const found = await openWithoutDriver();
    assertEquals([found.name, found.exitCode], ["NoAdapterError", 3]);
    const message = String(found.message);
    assertStringIncludes(message, "No WebGPU adapter found");
    for (const remedy of ["mesa-vulkan-drivers", "./setup.sh", "--device reference"]) {
      assertStringIncludes(message, remedy);
    }
  },
});
