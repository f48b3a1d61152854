import { assertEquals, assertRejects } from "@std/assert";
import { withQuietDriver } from "../../../core/gpu/quiet_driver.ts";

async function requestAdapter(runtimeDir: string): Promise<readonly string[]> {
  const script = new URL("_request_adapter.ts", import.meta.url).href;
  const { stdout, stderr } = await new Deno.Command("deno", {
    args: ["run", "-q", "--no-prompt", "--allow-env=XDG_RUNTIME_DIR", script],
    env: { XDG_RUNTIME_DIR: runtimeDir },
    stdout: "piped",
    stderr: "piped",
  }).output();
  return [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes).trim());
}

Deno.test({
  name: "withQuietDriver() keeps drivers from complaining about XDG_RUNTIME_DIR and restores it",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    for (const dir of ["", "relative", "/some/folder"]) {
      assertEquals(await requestAdapter(dir), [JSON.stringify(dir), ""]);
    }
  },
});

Deno.test("withQuietDriver() passes on what its body returns and throws", async () => {
  assertEquals(await withQuietDriver(() => Promise.resolve(7)), 7);
  await assertRejects(() => withQuietDriver(() => Promise.reject(new Error("no"))), Error, "no");
});
